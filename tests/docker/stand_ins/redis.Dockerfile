# Replaces Redis' official image: Debian's Redis.
FROM ozon-stand-in:base
RUN groupadd --gid 1000 redis-image && useradd --uid 999 --gid 1000 redis-image \
    && install --directory --owner 999 --group 1000 /data
VOLUME /data
WORKDIR /data
CMD ["redis-server"]

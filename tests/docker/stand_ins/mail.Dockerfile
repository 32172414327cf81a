# Replaces Mailpit: an SMTP server with the part of its API that the tests use.
FROM ozon-stand-in:base
COPY site-packages /opt/libs
COPY mailpit /mailpit
ENV PYTHONPATH=/opt/libs PYTHONUNBUFFERED=1
ENTRYPOINT ["/mailpit"]

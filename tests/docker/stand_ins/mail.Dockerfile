# In place of Mailpit: an SMTP server with the part of its API that the tests read.
FROM ozon-stand-in:base
COPY site-packages /opt/libs
COPY mailpit /mailpit
ENV PYTHONPATH=/opt/libs PYTHONUNBUFFERED=1
ENTRYPOINT ["/mailpit"]

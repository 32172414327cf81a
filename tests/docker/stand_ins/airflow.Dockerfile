# Replaces Airflow's official image: Debian's Python 3.11 with the packages that our Dockerfile requires.
FROM ozon-stand-in:base
COPY site-packages /home/airflow/.local/lib/python3.11/site-packages
COPY bin /home/airflow/.local/bin
COPY entrypoint /entrypoint
RUN useradd --uid 50000 --gid 0 --home-dir /home/airflow airflow \
    && mkdir -p /opt/airflow/logs /opt/airflow/dags /opt/airflow/plugins \
    && chown -R airflow:root /opt/airflow \
    && chown airflow:root /home/airflow /home/airflow/.local
# Otherwise each container compiles Airflow again. Some packages contain templates that are not valid Python.
RUN python3 -m compileall -q -j 0 /home/airflow/.local/lib/python3.11/site-packages || true
ENV PATH=/home/airflow/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    AIRFLOW_HOME=/opt/airflow LANG=C.UTF-8
WORKDIR /opt/airflow
USER 50000
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]

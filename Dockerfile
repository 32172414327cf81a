# Airflow's image with this package, for all of our containers in docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=50000:0 docker/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt

# Folders for volumes: a new volume takes its owner from here.
RUN mkdir -p /opt/airflow/home /opt/airflow/sandbox

# Owned by root: the user that runs the code cannot change it.
USER root
COPY docker/ozon /usr/local/bin/ozon
COPY config /opt/airflow/config
COPY include /opt/airflow/include
COPY plugins /opt/airflow/plugins
COPY dags /opt/airflow/dags
# The base image's folders belong to the user, and the clone may have a strict umask. Compiled here, because the user may not.
RUN cd /opt/airflow \
    && chown -R root:root config include plugins dags \
    && chmod -R go=rX /usr/local/bin/ozon config include plugins dags \
    && python3 -m compileall -q include plugins dags
USER 50000:0

# The root file system is read-only: Airflow writes its logs into its home, a volume, and its default configuration to /tmp.
ENV PYTHONPATH=/opt/airflow \
    AIRFLOW_HOME=/opt/airflow/home \
    AIRFLOW_CONFIG=/tmp/airflow.cfg \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins
WORKDIR /opt/airflow

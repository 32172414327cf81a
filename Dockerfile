# Airflow's image with this package, for all of our containers in docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=50000:0 docker/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt

# Folders for volumes: a new volume takes its owner from here.
RUN mkdir -p /opt/airflow/reports /opt/airflow/sandbox

# With an owner, because with a strict umask of the clone no other user could read them.
COPY --chown=50000:0 docker/ozon /usr/local/bin/ozon
COPY --chown=50000:0 config /opt/airflow/config
COPY --chown=50000:0 include /opt/airflow/include
COPY --chown=50000:0 plugins /opt/airflow/plugins
COPY --chown=50000:0 dags /opt/airflow/dags

ENV PYTHONPATH=/opt/airflow
WORKDIR /opt/airflow

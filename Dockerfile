# Airflow's own image with this package: what docker-compose.yaml runs in every container of ours.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=50000:0 docker/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt

# Folders that become volumes: a fresh volume takes over its owner from here.
RUN mkdir -p /opt/airflow/reports /opt/airflow/sandbox

# With their owner, because a strict umask of the clone would keep them from everybody else.
COPY --chown=50000:0 docker/ozon /usr/local/bin/ozon
COPY --chown=50000:0 config /opt/airflow/config
COPY --chown=50000:0 include /opt/airflow/include
COPY --chown=50000:0 plugins /opt/airflow/plugins
COPY --chown=50000:0 dags /opt/airflow/dags

ENV PYTHONPATH=/opt/airflow
WORKDIR /opt/airflow

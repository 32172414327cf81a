"""Programs of docker-compose.yaml's containers, in addition to Airflow's own; they do not run on the host."""

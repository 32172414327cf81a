"""What the containers of docker-compose.yaml run besides Airflow's own programs; on the host it runs nowhere."""

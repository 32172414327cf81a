"""What the health check is given from Airflow."""

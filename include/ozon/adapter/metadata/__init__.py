"""Commands' access to Airflow's metadata database."""

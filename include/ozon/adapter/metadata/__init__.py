"""Airflow's metadata database, for commands: its DAGs and how this package is installed."""

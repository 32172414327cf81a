"""Airflow's connections and object storage."""

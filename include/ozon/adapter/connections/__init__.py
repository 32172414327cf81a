"""Airflow's connections and object storage as the work needs them."""

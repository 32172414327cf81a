"""Airflow's part of the health check."""

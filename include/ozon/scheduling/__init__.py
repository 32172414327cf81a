"""Schedules: Airflow's DAGs, or a block in the crontab of a machine without a scheduler."""

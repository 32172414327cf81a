"""The sender of alerts with its channels and the state that it keeps in Airflow's Variables."""

"""The one place where the work meets Airflow: its connections, its tasks, its idea of a retry."""

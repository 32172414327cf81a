"""The page "Ozon" in Airflow's web UI: its sign-in and its connection to the warehouse."""

"""The page "Ozon": what managers and the engineer on duty look at. An ASGI application without knowledge of Airflow."""

"""The one place where the work meets Airflow, in folders by purpose."""

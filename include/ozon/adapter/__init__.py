"""The adapter: the only package that imports Airflow, in folders by purpose."""

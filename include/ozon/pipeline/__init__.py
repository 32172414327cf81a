"""What ``ozon_etl`` does for one account: the components of the load, and their records."""

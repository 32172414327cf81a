"""What ``ozon_etl`` does for one account: product_etl, inventory_etl, and the records of both."""

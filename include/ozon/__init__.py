"""The work of the Ozon ETL package: plain typed Python, independent of DAGs."""

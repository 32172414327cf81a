"""The work of the Ozon ETL package: plain typed Python that knows nothing of DAGs."""

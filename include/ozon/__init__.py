"""The work of the Ozon ETL package: plain typed Python, independent of DAGs."""

__version__ = "0.1.0"

"""The load of one account (``ozon_etl``): its components and their records."""

"""Runs of ``ozon_etl`` that a command starts and follows."""

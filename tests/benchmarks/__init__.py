"""Benchmarks of product_etl against a bare script, dlt and pandas: ``python -m tests.benchmarks``. Not a test."""

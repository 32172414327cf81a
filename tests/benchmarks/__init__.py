"""How fast product_etl is against a bare script, dlt and pandas; ``python -m tests.benchmarks``, no test."""

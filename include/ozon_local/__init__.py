"""Everything for running the project on one machine: embedded PostgreSQL, the sandbox, Airflow's environment.

The Makefile calls ``python -m include.ozon_local <command>``; the tests use the same parts with their own folders.
Nothing in ``include.ozon`` imports this package.
"""

"""What one machine needs to run everything alone: embedded PostgreSQL, the sandbox, Airflow's environment.

The Makefile calls ``python -m include.ozon_local <command>``; the tests use the same parts with folders
of their own. Nothing in ``include.ozon`` knows of this package.
"""

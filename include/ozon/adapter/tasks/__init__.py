"""The functions that the DAGs' tasks call, one module for each DAG; imported inside the tasks."""

"""What the DAGs' tasks call, a module a DAG. Imported inside the tasks: it brings the clients along."""

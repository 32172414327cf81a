"""What the DAG files are made of; imported whenever a DAG is parsed, so it imports little."""

"""The parts of the DAG files; imported whenever a DAG is parsed, so it imports little."""

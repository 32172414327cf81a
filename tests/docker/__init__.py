"""The stack of docker-compose.yaml, really started; ``python -m tests.docker`` is what `make test-docker` runs."""

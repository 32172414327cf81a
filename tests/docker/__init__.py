"""Tests of the running stack of docker-compose.yaml; `make test-docker` runs ``python -m tests.docker``."""

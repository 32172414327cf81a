# Needs python3 (3.11 to 3.13, with its venv module), make and git. What the targets do is in include/ozon_local.
PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m include.ozon_local
TESTS := $(BIN)/python -m tests.support.run
# With any Python: a server needs no .venv.
DOCKER := $(PYTHON) -m include.ozon_local.docker

.DEFAULT_GOAL := help
.PHONY: help venv run test test-long test-postgres services stop env up down lint bench lock docker-env docker-up docker-down test-docker

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf 'make %-14s %s\n' "$$name" "$$text"; done

venv:
	@$(PYTHON) include/ozon_local/bootstrap.py

run: venv  ## Load the whole catalogue into PostgreSQL once; ARGS='{"dry_run": true}' sets the run's parameters
	@$(LOCAL) run

test: venv  ## Run all tests, on databases and sandboxes of their own; ARGS="complete_workflow --coverage" picks and measures, ARGS=--help lists more
	@$(TESTS) $(ARGS)

test-long: venv  ## Run the tests that take minutes: mails of a real Airflow, whole runs of ozon, interrupted ones
	@$(TESTS) --tier long $(ARGS)

test-postgres: venv  ## Run the tests of the warehouse on PostgreSQL 15, the oldest that is supported
	@programs=$$($(BIN)/python -m tests.support.oldest_postgres) && $(TESTS) --postgres "$$programs" \
		$(addprefix tests/integration/ozon/,pipeline warehouse maintenance monitoring) $(ARGS)

services: venv  ## Start the embedded PostgreSQL and the sandbox in the background; safe to repeat
	@$(LOCAL) services

stop: venv  ## End everything that runs in the background
	@$(LOCAL) stop

env: venv  ## Print export lines: eval "$(make -s env)" makes plain airflow, ozon and psql work
	@$(LOCAL) env

up: venv  ## Start the whole of Airflow with its web UI in the background; safe to repeat
	@$(LOCAL) up

down: venv  ## End Airflow and everything else that runs in the background
	@$(LOCAL) stop

docker-env:  ## Write .env for docker-compose.yaml, with secrets of its own; keeps what is there. PROFILE=celery or local
	@$(DOCKER) env $(if $(PROFILE),--profile $(PROFILE))

docker-up:  ## Start the stack of docker-compose.yaml and wait until it is healthy; PROFILE=celery WORKERS=3, PROFILE=local
	@$(DOCKER) up $(if $(PROFILE),--profile $(PROFILE)) $(if $(WORKERS),--workers $(WORKERS))

docker-down:  ## End that stack; the data stays, but for ARGS=--volumes
	@$(DOCKER) down $(ARGS)

test-docker: venv  ## Start that stack for real, in an engine of its own, and test it: docker-compose.yaml as people use it
	@$(BIN)/python -m tests.docker $(ARGS)

lint: venv  ## Check style, types, the direction of imports, and that generated pages are up to date
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m include.ozon.configuration.docs --check
	@$(BIN)/python -m include.ozon.monitoring.runbook --check
	@$(BIN)/python -m include.ozon_local.dag_docs --check
	@$(BIN)/python -m include.ozon_local.table_docs --check

bench: venv  ## Measure the load against a bare script, dlt and pandas
	@$(BIN)/python -m tests.benchmarks $(ARGS)

lock: venv  ## Resolve pyproject.toml into requirements.lock and requirements.txt; ARGS=--upgrade takes the newest
	@$(LOCAL) lock

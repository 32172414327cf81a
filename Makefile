# Needs python3 (3.11 to 3.13, with its venv module), make and git. The code of the targets is in include/ozon_local.
PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m include.ozon_local
TESTS := $(BIN)/python -m tests.support.run
# With any Python, because a server needs no .venv.
DOCKER := $(PYTHON) -m include.ozon_local.docker

.DEFAULT_GOAL := help
.PHONY: help venv run test test-long test-postgres test-browser services stop env demo up down lint bench bench-scale lock docker-env docker-up docker-down test-docker test-faults release-check audit

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf 'make %-14s %s\n' "$$name" "$$text"; done

venv:
	@$(PYTHON) include/ozon_local/bootstrap.py

run: venv  ## Load the whole catalogue into PostgreSQL once; ARGS='{"dry_run": true}' sets parameters of the run
	@$(LOCAL) run

test: venv  ## Run the tests, with their own databases and sandboxes, without those of the other test targets; ARGS="complete_workflow --coverage" selects and measures, ARGS=--help lists more
	@$(TESTS) $(ARGS)

test-long: venv  ## Run the tests that take longer, up to minutes: mails of a real Airflow, complete and interrupted runs of ozon
	@$(TESTS) --tier long $(ARGS)

test-postgres: venv  ## Run the tests of the warehouse on PostgreSQL 15, the oldest supported version
	@programs=$$($(BIN)/python -m tests.support.oldest_postgres) && $(TESTS) --postgres "$$programs" \
		$(addprefix tests/integration/ozon/,pipeline warehouse maintenance monitoring page) \
		tests/integration/docs/test_tables_page.py $(ARGS)

test-browser: venv  ## Test the page in real headless Chromium with a real Airflow; screenshots in .local/browser
	@$(BIN)/python -m tests.support.chromium && $(TESTS) --tier browser --workers 0 $(ARGS)

services: venv  ## Start the embedded PostgreSQL and the sandbox in the background; safe to repeat
	@$(LOCAL) services

stop: venv  ## End all background processes
	@$(LOCAL) stop

env: venv  ## Print export lines: after eval "$(make -s env)" airflow, ozon and psql work in the terminal
	@$(LOCAL) env

demo: venv  ## Fill thirty days of history of two more accounts in three minutes, and start Airflow with the page "Ozon"
	@$(LOCAL) demo

up: venv  ## Start all of Airflow with its web UI in the background; safe to repeat
	@$(LOCAL) up

down: venv  ## End Airflow and all other background processes
	@$(LOCAL) stop

docker-env:  ## Write .env for docker-compose.yaml with new secrets; keeps existing values. PROFILE=celery or local
	@$(DOCKER) env $(if $(PROFILE),--profile $(PROFILE))

docker-up:  ## Start the stack of docker-compose.yaml and wait until it is healthy; PROFILE=celery WORKERS=3, PROFILE=local
	@$(DOCKER) up $(if $(PROFILE),--profile $(PROFILE)) $(if $(WORKERS),--workers $(WORKERS))

docker-down:  ## End the stack of docker-compose.yaml; ARGS=--volumes also deletes the data
	@$(DOCKER) down $(ARGS)

test-docker: venv  ## Test the real stack of docker-compose.yaml, if needed in a new Docker engine
	@$(BIN)/python -m tests.docker $(ARGS)

test-faults: venv  ## Break loads at random moments, and check what must hold; ARGS="--runs 500 --seed 7", docs/faults.md
	@$(BIN)/python -m tests.faults $(ARGS)

lint: venv  ## Check style, spelling and banned words, types, the direction of imports, the translations and the generated pages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/codespell
	@$(BIN)/codespell -D tests/support/banned_words.txt -r '[A-Za-z][a-z]*'
	@$(BIN)/python -m tests.support.docstrings
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m include.ozon.configuration.docs --check
	@$(BIN)/python -m include.ozon.monitoring.runbook --check
	@$(BIN)/python -m include.ozon.monitoring.metrics.docs --check
	@$(BIN)/python -m include.ozon.monitoring.telemetry_docs --check
	@$(BIN)/python -m include.ozon_local.dag_docs --check
	@$(BIN)/python -m include.ozon_local.table_docs --check
	@$(BIN)/python -m include.ozon_local.dbt_sources --check
	@$(BIN)/python -m include.ozon_local.messages --check

release-check: venv  ## Build the wheel, install it into an empty environment, and load with it; before each release
	@$(BIN)/python -m tests.support.release_check

bench: venv  ## Compare the speed of the load with a bare script, dlt and pandas
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-scale: venv  ## Measure fifty accounts on four processes and a simulated year of loads: an hour, docs/scale.md
	@$(BIN)/python -m tests.benchmarks --cases accounts,year $(ARGS)

lock: venv  ## Resolve pyproject.toml into requirements.lock and requirements.txt; ARGS=--upgrade takes the newest versions
	@$(LOCAL) lock

audit: venv  ## Look up known vulnerabilities of the locked packages; fails if advisories cannot be reached
	@$(LOCAL) audit

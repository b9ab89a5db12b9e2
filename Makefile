.DEFAULT_GOAL := help
SHELL := bash

PYTHON ?= $(shell for v in 3.11 3.12 3.13; do command -v python$$v >/dev/null 2>&1 && python$$v -c '' 2>/dev/null && { echo python$$v; exit; }; done; echo python3)
BIN := .venv/bin
PROJECT ?= demo
export DAGSTER_DISABLE_TELEMETRY := 1

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Hallmark needs Python 3.11 to 3.13, found {sys.version.split()[0]}. Name another one: make PYTHON=/path/to/python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: help demo test up check bench setup format
help: ## Say what there is.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .venv/ready ## Make the virtual environment with the pinned dependencies.

demo: .venv/ready ## Run the main job on handwritten digits, on the embedded lakeFS (RESET=1 starts over).
	$(BIN)/hallmark demo $(PROJECT) $(if $(RESET),--reset)

up: .venv/ready ## Show the demo's project in the Dagster UI; one Ctrl-C stops all.
	@test -f $(PROJECT)/hallmark.yaml || $(BIN)/hallmark init $(PROJECT) --example digits
	$(BIN)/hallmark up --project $(PROJECT)

test: .venv/ready ## Run the tests.
	$(BIN)/python -m pytest

check: .venv/ready ## Check format, lint, types and the import contract, then run the tests.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: .venv/ready ## Format the code and mend what lint can mend by itself.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/ready ## Measure against plain scripts and peers; prints ratios of medians.
	$(BIN)/python -m benchmarks

# Every target sets up what it needs; the first run of one takes longer than the next.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.8
SAM_CLI_VERSION := 1.170.0
VENV := .venv
BIN := $(VENV)/bin
SAM := .venv-sam/bin/sam
export SAM_CLI_TELEMETRY := 0

.PHONY: help demo test serve compile build deploy bench lock lint typecheck unit validate

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Stepcall needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say which one to use with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# What the local stack runs with; `make test` adds the rest.
$(VENV)/.local: requirements-local.txt | $(BIN)/uv
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --requirements requirements-local.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.local
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --requirements requirements-dev.txt
	@touch $@

# aws-sam-cli pins its own dependencies tightly, so it lives apart.
$(SAM): requirements-sam.txt | $(BIN)/uv
	@$(BIN)/uv venv --quiet --allow-existing .venv-sam
	@$(BIN)/uv pip install --quiet --python .venv-sam/bin/python --requirements requirements-sam.txt
	@touch $@

# `uv pip compile` rather than uv.lock: docs/decisions/2026-11-21-locks.md
COMPILE = $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header
lock: | $(BIN)/uv ## pin every dependency again
	$(COMPILE) --universal --python-version 3.11 --group dev -o requirements-dev.txt
	$(COMPILE) --universal --python-version 3.11 --group local -c requirements-dev.txt -o requirements-local.txt
	$(COMPILE) --universal --python-version 3.11 --group sam -o requirements-sam.txt
	$(COMPILE) --python-version 3.13 --group layer -c requirements-dev.txt -o layers/stepcall/requirements.txt
	for worker in web ai data; do \
	  $(COMPILE) --python-version 3.13 --group run-$$worker-task -c requirements-dev.txt -o functions/run_$${worker}_task/requirements.txt || exit 1; \
	done

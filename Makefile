# Every target sets up what it needs; the first run of one takes longer than the next.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.8
SAM_CLI_VERSION := 1.170.0
VENV := .venv
BIN := $(VENV)/bin
SAM := .venv-sam/bin/sam
BANDIT := .venv-audit/bin/bandit
export SAM_CLI_TELEMETRY := 0

# The three places that Python imports from; on Lambda the layer and the function's own folder stand there.
export PYTHONPATH := layers/stepcall:functions:.
# The tests start many processes: each would compile boto3, moto and the rest anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo faces test drill load static serve sam-local sam-local-test lambda-image compile build deploy delete api-key first-key redrive bench lock lint typecheck audit check validate

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

# npm's asl-validator, a second opinion on compiled machines. Without npm, or without a network, its tests are skipped.
ASL_VALIDATOR := tests/asl_validator/node_modules/.package-lock.json
$(ASL_VALIDATOR): tests/asl_validator/package-lock.json
	@if command -v npm > /dev/null; then \
	  npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null && touch $@ \
	    || echo 'asl-validator could not be installed: its tests will be skipped.' >&2; \
	fi

# aws-sam-cli pins its own dependencies tightly, so it lives apart.
$(SAM): requirements-sam.txt | $(BIN)/uv
	@$(BIN)/uv venv --quiet --allow-existing .venv-sam
	@$(BIN)/uv pip install --quiet --python .venv-sam/bin/python --requirements requirements-sam.txt
	@touch $@

$(BANDIT): requirements-audit.txt | $(BIN)/uv
	@$(BIN)/uv venv --quiet --allow-existing .venv-audit
	@$(BIN)/uv pip install --quiet --python .venv-audit/bin/python --requirements requirements-audit.txt
	@touch $@

demo: $(VENV)/.local ## define a workflow, execute it, show every exchange (EXAMPLE=stores for another; URL=https://… for another page)
	@$(BIN)/python -m local.demo $(if $(EXAMPLE),--example '$(EXAMPLE)') $(if $(URL),--url '$(URL)')

faces: $(VENV)/.dev ## a run started through each face and read through every other, as a table
	@$(BIN)/python -m pytest -q tests/functional/test_four_faces.py

serve: $(VENV)/.local ## the local stack on 127.0.0.1:3000, or PORT=…; ALLOW_HOST=host:port lets Web.Download and webhooks reach a server of yours, FUNCTION=name=file.py:handler tasks invoke a function of yours
	@exec $(BIN)/python -m local.serve --port $${PORT:-3000} $(addprefix --allow-host ,$(ALLOW_HOST)) $(addprefix --function ,$(FUNCTION))

# The functions for the processor of this machine, built again when they have changed.
BUILT := .aws-sam/build/template.yaml
MACHINE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
SOURCES = template.yaml $(shell find functions layers tools/lambda_build -type f -not -name '*.pyc')
$(BUILT): $(SOURCES)
	@$(MAKE) --no-print-directory build ARCHITECTURE=$(MACHINE)

# Recursive: asked for by the recipe that has seen to $(BIN)/python.
LAMBDA_IMAGE = $(shell PYTHONPATH=. $(BIN)/python -c 'from local.sam_local.needs import IMAGE; print(IMAGE)')
# Makes a stand-in where AWS's own cannot be pulled; its head says from what.
MAKE_LAMBDA_IMAGE ?= ../shared/tools/make_lambda_image.sh
lambda-image: | $(SAM) ## the image that sam local runs functions in: made by MAKE_LAMBDA_IMAGE=… if that is there, pulled otherwise
	@docker version > /dev/null 2>&1 || { echo 'No Docker engine answers here: docs/sam-local.md says what it is for.' >&2; exit 1; }; \
	if docker image inspect $(LAMBDA_IMAGE) > /dev/null 2>&1; then exit 0; fi; \
	if [ -x '$(MAKE_LAMBDA_IMAGE)' ]; then \
	  python=$$(sh tools/lambda_build/find_python313.sh) && \
	  PY_PREFIX=$$($$python -c 'import sys; print(sys.base_prefix)') SAM_VENV=$$PWD/.venv-sam '$(MAKE_LAMBDA_IMAGE)'; \
	else docker pull $(LAMBDA_IMAGE); fi

sam-local: $(VENV)/.local lambda-image $(BUILT) ## sam local start-api on 127.0.0.1:3001, or PORT=…, its containers on the local stack's AWS; needs Docker (docs/sam-local.md)
	@exec $(BIN)/python -m local.sam_local --port $${PORT:-3001} $(addprefix --allow-host ,$(ALLOW_HOST))

# What is missing is said, and is a failure here; in `make test` the comparison is skipped then.
sam-local-test: $(VENV)/.dev lambda-image $(BUILT) ## sam local's answers beside those of make serve, and every file of events/ by sam local invoke, as a table
	@$(BIN)/python -m local.sam_local --check
	@$(BIN)/python -m pytest -q -rs tests/sam_local

compile: $(VENV)/.local ## the compiled state machine of WORKFLOW=file.json (RUN_MODE=source or refresh for a part of it)
	@$(if $(WORKFLOW),,echo 'Say which: make compile WORKFLOW=examples/webpage_summary.json' >&2; exit 1;) \
	  $(BIN)/python -m tools.compile_workflow '$(WORKFLOW)' $(if $(RUN_MODE),--run-mode '$(RUN_MODE)')

bench: $(VENV)/.dev ## measure, beside references in the same run; writes .bench/latest.json
	@$(BIN)/python -m tests.benchmarks

drill: $(VENV)/.dev ## failures at every AWS call on the way of a run, and what survived, as a table
	@$(BIN)/python -m tests.drills

load: $(VENV)/.dev ## RUNS=2000 executions started over HTTP by CONCURRENCY=64 clients at once, then counted
	@$(BIN)/python -m tests.drills.load

test: ## all that CI runs
	@$(MAKE) --no-print-directory -j 2 $(OUTPUT_SYNC) static
	@$(MAKE) --no-print-directory check

# Each of them, and most of what sets it up, has work for one processor: two at a time, their outputs one after the other.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
static: lint typecheck audit validate

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo 'Format it: .venv/bin/ruff format .' >&2; exit 1; }

typecheck: $(VENV)/.dev
	@$(BIN)/mypy

# The layer's come first: tools/audit_requirements.py
SHIPPED := layers/stepcall/requirements.txt $(wildcard functions/*/requirements.txt) requirements-local.txt

audit: $(BANDIT) ## faults of security: bandit over what runs, pip-audit over what is shipped
	@$(BANDIT) --quiet --configfile pyproject.toml --recursive layers functions tools local
	@$(BIN)/python -m tools.audit_requirements $(SHIPPED)

# moto keeps one AWS per process: what starts a whole stack has a process of its own, or shares one file by file. The
# functional tests wait half of their time, for runs and for limits: twice as many share the processors. Schemathesis and
# the service that it calls wait for each other. tests/conftest.py says which files begin.
BY_FILE := --dist loadfile --no-loadscope-reorder
check: $(VENV)/.dev $(ASL_VALIDATOR)
	@$(BIN)/python -m pytest -n 2 $(BY_FILE) tests/unit tests/contract tests/golden tests/template tests/asl_validator
	@$(BIN)/python -m pytest -n 4 $(BY_FILE) tests/functional
	@$(BIN)/python -m pytest -n 3 $(BY_FILE) tests/local tests/drills tests/sam_local/test_same_answers.py

# `uv pip compile` rather than uv.lock: docs/decisions/2026-11-21-locks.md
COMPILE = $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header
lock: | $(BIN)/uv ## pin every dependency again
	$(COMPILE) --universal --python-version 3.11 --group dev -o requirements-dev.txt
	$(COMPILE) --universal --python-version 3.11 --group local -c requirements-dev.txt -o requirements-local.txt
	$(COMPILE) --universal --python-version 3.11 --group sam -o requirements-sam.txt
	$(COMPILE) --universal --python-version 3.11 --group audit -o requirements-audit.txt
	$(COMPILE) --python-version 3.13 --group layer -c requirements-dev.txt -o layers/stepcall/requirements.txt
	for function in run-web-task run-ai-task run-data-task run-sql-task deliver-webhook workflows-api carto-api; do \
	  $(COMPILE) --python-version 3.13 --group $$function -c requirements-dev.txt -o functions/$$(tr - _ <<< $$function)/requirements.txt || exit 1; \
	done

# The processor of the functions: arm64 or x86_64.
ARCHITECTURE ?= arm64
# SAM and the build import nothing of ours.
validate build deploy delete lambda-image: export PYTHONPATH :=

validate: | $(SAM) ## check template.yaml (no account, no network)
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(SAM) validate --lint

build: | $(SAM) ## build the functions and the layer, for ARCHITECTURE=arm64 or x86_64
	@case '$(ARCHITECTURE)' in arm64|x86_64) ;; *) echo "ARCHITECTURE is arm64 or x86_64, not $(ARCHITECTURE)." >&2; exit 1;; esac
	@sh tools/lambda_build/find_python313.sh > /dev/null
	@MAKELEVEL=0 $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(BIN)/python tools/lambda_build/finish_build.py .aws-sam/build $(ARCHITECTURE)

# Which architecture, tools/deployment decides for build and deploy at once: what is asked for, or what samconfig says.
ASKED_ARCHITECTURE = $(if $(filter command environment,$(firstword $(origin ARCHITECTURE))),--architecture '$(ARCHITECTURE)')
deploy: $(VENV)/.local | $(SAM) ## build and deploy to your AWS account: ENV=dev or ENV=prod of samconfig.toml, or asking (GUIDED=1 again; YES=1 without a question)
	@$(BIN)/python -m tools.deploy_stack $(if $(ENV),--env '$(ENV)') $(ASKED_ARCHITECTURE) $(if $(filter 1,$(GUIDED)),--guided) $(if $(filter 1,$(YES)),--yes)

delete: $(VENV)/.local | $(SAM) ## delete the deployed stack of ENV=…, and say which data stays and how to have it back (YES=1 without a question)
	@$(BIN)/python -m tools.delete_stack $(if $(ENV),--env '$(ENV)') $(if $(filter 1,$(YES)),--yes)

first-key: $(VENV)/.local ## the API key that the deployed STACK begins with
	@$(BIN)/python -m tools.first_api_key --stack '$(STACK)'

api-key: $(VENV)/.local ## a new API key of the deployed STACK, for NAME=… of TENANT=… (SCOPES=runs:start,runs:read DAYS=90 PER_SECOND=50 BURST=100)
	@$(BIN)/python -m tools.create_api_key --stack '$(STACK)' --tenant '$(TENANT)' --name '$(NAME)' $(if $(SCOPES),--scopes '$(SCOPES)') $(if $(DAYS),--days '$(DAYS)') $(if $(PER_SECOND),--per-second '$(PER_SECOND)') $(if $(BURST),--burst '$(BURST)')

redrive: $(VENV)/.local ## what lies in the dead-letter queues of the deployed STACK; APPLY=1 plays it again (docs/operations.md)
	@$(BIN)/python -m tools.redrive_dead_letters --stack '$(STACK)' $(if $(filter 1,$(APPLY)),--apply)

# `make help` lists the targets. Every target sets up what it needs; stamps make the second run instant.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
FORGE := node_modules/.bin/forge
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
EDITABLE := $(PIP_INSTALL) --build-constraint constraints.txt --editable
JOBS ?= 2
export ETH_HASH_BACKEND := pysha3
export HYPOTHESIS_PROFILE ?= ci

RUNTIME := $(VENV)/.stamp-runtime
DEV := $(VENV)/.stamp-dev
NODE := node_modules/.stamp

.PHONY: help setup demo test contracts lint pytest nightly bench devnet fmt vectors clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ---------------------------------------------------------------- set-up
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

# pip first: the one a venv starts with may not know --build-constraint.
$(RUNTIME): pyproject.toml constraints.txt | $(PY)
	$(PIP_INSTALL) --upgrade pip
	$(EDITABLE) .
	@touch $@

$(DEV): $(RUNTIME)
	$(EDITABLE) '.[dev]'
	@touch $@

$(NODE): package.json .npmrc
	@command -v npm > /dev/null || { echo "Node 20 or newer with npm is needed (not for make demo)"; exit 1; }
	npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error
	@touch $@

setup: $(DEV) $(NODE) ## install everything, developer tools and Solidity tools included

# ---------------------------------------------------------------- use
demo: $(RUNTIME) ## the whole story on the embedded chain; needs no Node
	$(PY) scripts/demo.py

devnet: setup ## the rollup's story as real processes on anvil, and a market to trade on; keeps running
	$(PY) scripts/devnet.py

# ---------------------------------------------------------------- checks
# The build of the contracts is one long process; lint uses the other core meanwhile.
test: setup ## everything CI checks: contracts, lint, tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target contracts lint
	@$(MAKE) --no-print-directory pytest

contracts: setup ## one build, forge tests, freshness of artifacts and snapshots
	$(FORGE) build solidity/test/helpers solidity/test/gas
	$(PY) -m tests.contracts.forge_report
	$(PY) scripts/build_contracts.py --check

lint: setup ## style, types, import contracts, generated constants and opcodes
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(FORGE) fmt --check
	$(PY) scripts/gen_constants.py --check
	$(PY) scripts/gen_opcodes.py --check
	$(PY) scripts/gen_cli_docs.py --check
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/mypy

pytest: setup ## the Python tests on two workers
	$(PY) -m pytest -q -n $(JOBS) --dist worksteal

nightly: setup ## the long checks; resumable, result in build/nightly.json
	$(PY) scripts/nightly.py

bench: setup ## measure speed, latency, gas and bytes
	$(PY) scripts/bench.py all

# ---------------------------------------------------------------- upkeep
fmt: setup ## format Python and Solidity
	$(VENV)/bin/ruff check --fix --exit-zero --quiet .
	$(VENV)/bin/ruff format .
	$(FORGE) fmt

vectors: setup ## regenerate constants, opcodes, artifacts, snapshots, test vectors and the page of commands
	$(PY) scripts/gen_constants.py
	$(PY) scripts/gen_opcodes.py
	$(PY) scripts/build_contracts.py
	$(PY) scripts/gen_vectors.py
	$(PY) scripts/gen_cli_docs.py

clean: ## remove build output and caches, keep the set-up
	rm -rf build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis

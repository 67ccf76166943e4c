# `make run` and `make test` set up everything they need, inside this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Modules are compiled once at set-up: every stage starts a Python, and 200 of them start in the tests.
# Caches, Prefect's database and uv's downloads stay inside the clone.
export UV_CACHE_DIR := $(CURDIR)/$(VENV)/cache
export UV_PYTHON_DOWNLOADS := never
export PREFECT_HOME := $(CURDIR)/.prefect
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow soak flow bench lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY)  ## create .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); sys.exit(0 if ok else f"tagpipe needs Python 3.11 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}: name another one, as in make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check 'uv>=0.8,<1'
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY)  ## build the dataset from its sources and show the summary
	@$(BIN)/tagpipe run

test: $(READY)  ## lint, types, import contracts and the tests (minutes)
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pytest -q -n 2 --dist worksteal -m "not slow and not soak"

test-slow: $(READY)  ## the longer tests that CI adds
	@$(BIN)/pytest -q -n 2 --dist worksteal -m slow

soak: $(READY)  ## the long counts of docs/reliability.md
	@$(BIN)/pytest -q -s -m soak --timeout 3600

flow: $(READY)  ## run the Prefect flow once, with no server
	@$(BIN)/python -m flows.build

bench: $(READY)  ## compare with peers and print the table (long)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r benchmarks/requirements.lock
	@$(BIN)/python -m benchmarks.run

lock: $(READY)  ## resolve requirements.lock and benchmarks/requirements.lock anew
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--extra flows --extra test pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--extra bench --constraint requirements.lock pyproject.toml -o benchmarks/requirements.lock

clean:  ## remove the environment and scratch files, not the data
	@rm -rf $(VENV) .prefect .pytest_cache .mypy_cache .ruff_cache

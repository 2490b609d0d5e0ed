# Everything a person or CI does here. Needs python3 (3.11 or newer) and make; the rest lands in .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo serve test fast check lint fmt proto bench lock clean

help:  ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)$$/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

venv: $(READY)  ## make .venv with the locked versions (every target below does so by itself)

demo: $(READY)  ## start an engine, create, watch, update and delete a stack, stop
	$(BIN)/python examples/demo.py

serve: $(READY)  ## run an engine on an SQLite file in this folder
	$(BIN)/isotherm serve

test: $(READY)  ## every test, two at a time
	$(BIN)/python -m pytest -n $(JOBS)

fast: $(READY)  ## the pure floors, in seconds
	$(BIN)/python -m pytest -m "not slow" tests/model tests/schema tests/template tests/graph tests/plan

check: lint  ## what CI runs: lint, then every test with the examples of CI
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=ci

lint: $(READY)  ## ruff, mypy, the floors, the proto files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/buf lint

fmt: $(READY)  ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

proto: $(READY)  ## write generated/ from proto/
	$(BIN)/python .ci/stubs.py generated

bench: $(READY)  ## measure; prints the table of benchmarks/README.md
	$(BIN)/python -m benchmarks

lock: $(READY)  ## resolve pyproject.toml anew into the two lock files
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--extra dev --output-file requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

clean:  ## remove .venv and all caches
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that an interrupted install is done again and a finished one is not.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Isotherm needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) (a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

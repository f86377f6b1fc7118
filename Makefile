# Two commands need nothing but make and Python >= 3.11: `make demo` runs the main job, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_PROCESSES ?= 2
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test check format lint types contracts tests chaos openapi clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

install: $(INSTALLED)  ## make .venv with every pinned dependency

demo: $(INSTALLED)  ## search, export and upscale with the sample photographs
	$(BIN)/python examples/demo.py

test: check  ## every check: lint, format, types, import contracts, tests

check: lint types contracts tests

format: $(INSTALLED)  ## rewrite the code in house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

contracts: $(INSTALLED)
	$(BIN)/lint-imports

# Unit tests share the cores, a thread each. Tests that start processes and clusters of their own run after them: those
# with a Ray one after another, and beside them the others, a file at a time.
tests: $(INSTALLED)
	@failed=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/unit tests/architecture -n $(TEST_PROCESSES) --dist worksteal || failed=1; \
	$(BIN)/python -m pytest tests --ignore tests/unit --ignore tests/architecture -n $(TEST_PROCESSES) --dist loadgroup || failed=1; \
	exit $$failed

MINUTES ?= 10
KILLS ?= 60
chaos: $(INSTALLED)  ## kill every kind of process for MINUTES, in rounds of KILLS, from SEED
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --kills $(KILLS) $(if $(SEED),--seed $(SEED))

openapi: $(INSTALLED)  ## rewrite docs/reference/openapi.json from the routes
	$(BIN)/python -m api.openapi > docs/reference/openapi.json

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

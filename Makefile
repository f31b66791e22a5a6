# Needs Python 3.11 or newer and make. Everything is installed into .venv, with pip.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
SOURCES := autokd deploy tests tools
# Files side by side, each with one thread: two processes of torch with two threads each crawl.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

.PHONY: help demo test test-all check docs runtimes clean

help:
	@echo "make demo      install, then compress the demo teacher for a Jetson Nano, without a network"
	@echo "make test      format, lint, types and tests, as CI runs them"
	@echo "make test-all  the same with the slow tests"
	@echo "make check     format, lint and types alone"
	@echo "make docs      build the documentation into build/site"
	@echo "make runtimes  install old and arm64 runtimes into .runtimes, for the tests that need them"
	@echo "make clean     remove .venv, demo/ and caches"
	@echo "Another Python: make test PYTHON=python3.12"

demo: .venv/.installed
	test -f demo/model.pt || { rm -rf demo && $(BIN)/autokd demo demo; }
	cd demo && ../$(BIN)/autokd compress --teacher model.pt --device jetson-nano

test: check
	$(PYTEST)

test-all: check
	$(PYTEST) -m ""

check: .venv/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# What cannot be had is named and skipped; see docs/testing.md.
runtimes: .venv/.installed
	$(BIN)/python tools/install_runtimes.py

clean:
	rm -rf .venv .runtimes demo build dist .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: the environment is made once, and again when pyproject.toml changes.
.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "autokd needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing autokd and its dependencies into .venv; torch is large, this takes minutes."
	$(PIP) -e .
	@touch $@

.venv/.installed-dev: .venv/.installed
	$(PIP) -e '.[dev]'
	@touch $@

.venv/.installed-docs: .venv/.installed
	$(PIP) -e '.[docs]'
	@touch $@

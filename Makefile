# `make lab` and `make test` each work alone on a machine with Python 3.11 or later and make:
# they create .venv and install what they need. Everything stays inside this folder.

PYTHON ?= python3
LAB_ARGS ?=
JOBS ?= 2
VENV := .venv

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
INSTALLED_FROM := pyproject.toml constraints.txt

.NOTPARALLEL:
.PHONY: help lab test lint docs bench clean test-unit test-notebooks test-browser test-docs \
	test-wheel test-other-python test-core test-binder \
	soak test-matrix

help:
	@echo "make lab     open JupyterLab on the tutorials (LAB_ARGS='...' are passed on to it)"
	@echo "make test    run everything that CI runs: lint, wheel, docs, notebooks, browser, tests"
	@echo "make lint    ruff and pyright"
	@echo "make docs    build the documentation, warnings are errors"
	@echo "make bench   run the benchmarks and print their table"
	@echo "make soak    repeat runs, fits, widgets and hours of BOLD, and see that memory is flat"
	@echo "make test-matrix   full suites on every Python, precision and set of versions (hours)"
	@echo "make clean   remove what the other targets made, the virtual environments too"
	@echo "make test-binder   check the Binder environment without Docker, in fresh environments"
	@echo "Parts of make test: test-unit test-notebooks test-browser test-docs test-wheel test-other-python"

# Installation. An empty file in the environment remembers what is installed and from which state
# of pyproject.toml and constraints.txt.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "brainmass needs Python 3.11 or later. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "== Creating the virtual environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: $(INSTALLED_FROM) | $(BIN)/python
	@echo "== Installing brainmass and JupyterLab into $(VENV) (a few minutes the first time)"
	@$(PIP) install -c constraints.txt -e ".[lab,fit,data]"
	@touch $@

$(VENV)/.dev: $(INSTALLED_FROM) | $(BIN)/python
	@echo "== Installing brainmass with everything its tests need into $(VENV) (a few minutes the first time)"
	@$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.lab

$(VENV)/.core: $(INSTALLED_FROM) | $(BIN)/python
	@echo "== Installing brainmass with its extras for files, fits and widgets, and pytest, into $(VENV) (a minute or two the first time)"
	@$(PIP) install -c constraints.txt -e ".[data,fit,widgets]" hypothesis pytest pytest-xdist
	@touch $@

lab: $(VENV)/.lab
	@BIN=$(BIN) tools/lab.sh $(LAB_ARGS)

# The unit tests come last, so that the output ends with the summary most people look for.
test: lint test-wheel test-docs test-notebooks test-browser test-other-python test-unit

lint: $(VENV)/.dev
	@echo "== Lint and types: ruff, pyright"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python

test-wheel: $(VENV)/.dev
	@echo "== Wheel: build it, install it alone, import both packages from it"
	@$(BIN)/python tools/check_wheel.py

docs: $(VENV)/.dev
	@echo "== Documentation: sphinx, warnings are errors"
	@$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "Built docs/_build/html/index.html"

test-docs: docs

test-notebooks: $(VENV)/.dev
	@echo "== Notebooks: run every cell of tutorials/ and compare with the stored output"
	@$(PYTEST) -n $(JOBS) --dist loadfile --nbval --nbval-current-env \
	  --nbval-sanitize-with tutorials/sanitize.cfg tutorials

test-browser: $(VENV)/.dev
	@echo "== Browser: drive a private JupyterLab with Chromium"
	@chromium="$$(tools/chromium.sh --install)"; if [ -n "$$chromium" ]; then \
	  BRAINMASS_CHROMIUM="$$chromium" $(PYTEST) -m browser tests/browser \
	    -o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true; fi

test-other-python: $(VENV)/.dev
	@python="$$(tools/other_python.sh $(BIN)/python)"; if [ -n "$$python" ]; then \
	  $(MAKE) --no-print-directory test-core PYTHON="$$python" \
	    VENV=".venv-$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; fi

test-core: $(VENV)/.core
	@echo "== Contract, Simulator and Key Concepts tests with $$($(BIN)/python --version)"
	@$(PYTEST) -n $(JOBS) tests/contract tests/test_simulator.py tests/test_key_concepts.py

test-unit: $(VENV)/.dev
	@echo "== Unit and contract tests, doctests of both packages"
	@$(PYTEST) -n $(JOBS)

test-binder:
	@PYTHON=$(PYTHON) tools/check_binder.sh

bench: $(VENV)/.dev
	@echo "== Benchmarks"
	@$(BIN)/python -m benchmarks

soak: $(VENV)/.dev
	@echo "== Soak: the same again and again; memory must not grow"
	@$(BIN)/python tools/soak.py

test-matrix:
	@tools/matrix.sh

clean:
	@echo "== Removing environments, caches and built files"
	@rm -rf .venv .venv-* build dist docs/_build docs/api docs/models docs/tutorials docs/jupyter_execute
	@rm -rf .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: train test lint overhead notebook clean

## train: install, train a classifier of handwritten digits, save it, reload it in a new process
train: $(VENV)/.installed
	$(RUN) scripts/train_mnist.py --dataset digits

## test: install what the tests need, and run them
test: $(VENV)/.installed-dev
	$(RUN) -m pytest -n auto -q

## lint: style, types, and the floors of the house
lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

## overhead: the budget table of docs/architecture.md, measured
overhead: $(VENV)/.installed-dev
	$(RUN) benchmarks/overhead.py

## notebook: run the notebooks again and keep their outputs
notebook: $(VENV)/.installed-dev
	$(RUN) scripts/run_notebooks.py notebooks

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

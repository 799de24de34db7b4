PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: train test test-gpu lint overhead bench-gpu notebook clean

## train: install, train a classifier of handwritten digits, save it, reload it in a new process
train: $(VENV)/.installed
	$(RUN) scripts/train_mnist.py --dataset digits

# What also runs on the emulated GPU: kernels, gradients, layers, training. The rest knows nothing of devices.
EMULATED = $(addprefix tests/,activations autodiff backend benchmarks layers losses metrics models ops \
	optimizers training end_to_end/test_custom_training.py end_to_end/test_running.py)

## test: install what the tests need; run them on the CPU, then on a GPU that the CPU emulates
test: $(VENV)/.installed-dev
	$(RUN) -m pytest -n auto -q
	KERASISH_TEST_DEVICE=emulated $(RUN) -m pytest -n auto -q -m "not cpu" $(EMULATED)

## test-gpu: the same kernels and training steps on a real GPU
test-gpu: $(VENV)/.installed-dev
	$(RUN) -m pytest -q -m gpu

## lint: style, types, and the floors of the house
lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

## overhead: the budget table of docs/architecture.md, measured
overhead: $(VENV)/.installed-dev
	$(RUN) benchmarks/overhead.py

## bench-gpu: kernels and training steps on a GPU, beside its ceilings and beside PyTorch and JAX
bench-gpu: $(VENV)/.installed-dev
	$(RUN) benchmarks/gpu.py --output benchmarks/results/gpu.txt

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

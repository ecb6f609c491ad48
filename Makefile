# Every target sets up what it needs in $(VENV), from nothing but python3 (with venv) and make.
# A stamp file for each extra makes the second run quick.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# More arguments for pytest: make test ARGS="-k fft -x"
ARGS ?=
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-peers test-torch test-arrays test-suite test-examples test-property test-oldest test-all-pythons lint \
	format bench docs docs-update clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-18s %s\n", $$1, $$2}'

demo: $(VENV)/.has-demo ## recover a conductivity from noisy temperatures, by the gradient of a simulation
	$(BIN)/python examples/heat_conductivity.py $(ARGS)

test: $(VENV)/.has-test ## the test suite
	$(PYTEST) $(ARGS)

test-peers: $(VENV)/.has-test $(VENV)/.has-peers ## compare with torch, JAX, autograd and mygrad
	$(PYTEST) -m peers $(ARGS)

test-torch: $(VENV)/.has-test-torch ## torch tensors: all tests, and every op that torch lists
	$(PYTEST) tests/torch -m "" $(ARGS)

test-arrays: $(VENV)/.has-test-arrays ## arrays of the standard's libraries, of JAX and of Dask
	$(PYTEST) tests/array_api tests/jax tests/dask $(ARGS)

test-suite: $(VENV)/.has-test-arrays ## the array API's public suite: make test-suite SUITE=path/to/array-api-tests
	$(BIN)/python -m pip install --quiet -r $(SUITE)/requirements.txt
	$(BIN)/python scripts/array_api_suite $(SUITE) $(ARGS)

test-examples: $(VENV)/.has-test $(VENV)/.has-demo $(VENV)/.has-dask ## run the examples, which need matplotlib
	$(PYTEST) tests/test_examples.py $(ARGS)

test-property: $(VENV)/.has-test ## the tests on generated inputs, with more of them
	$(PYTEST) -m property --hypothesis-profile=thorough $(ARGS)

test-oldest: ## the suite with the oldest NumPy and optree that are supported
	$(MAKE) .venvs/oldest/.has-oldest VENV=.venvs/oldest
	$(MAKE) test VENV=.venvs/oldest

test-all-pythons: ## the suite on every supported Python that is there
	MAKE="$(MAKE)" ARGS="$(ARGS)" sh scripts/test_all_pythons.sh

lint: $(VENV)/.has-dev ## lint, format and type checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.has-dev ## put the source into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.has-bench ## measure pullback and its peers side by side
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.has-docs ## build the documentation, and check what is generated from the source
	$(BIN)/python scripts/docs --check
	$(BIN)/mkdocs build --quiet --strict

docs-update: $(VENV)/.has-docs ## generate anew what the documentation takes from the source
	$(BIN)/python scripts/docs

clean: ## remove what the other targets made
	rm -rf $(VENV) .venvs build dist site out .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pullback needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# What pyproject.toml names as the oldest, beside what the tests need.
$(VENV)/.has-oldest: $(VENV)/.has-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'numpy==2.0.*' 'optree==0.14.0'
	@touch $@

$(VENV)/.has-%: pyproject.toml $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

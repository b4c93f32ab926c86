# Everything happens in .venv; nothing is installed outside it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
# The peers of the benchmarks bring 2 GB, and other libraries of threads.
BENCH := .venv-bench
# A worker for each processor; conftest.py gives each of several workers one thread.
IN_PARALLEL := --numprocesses auto --maxprocesses 8 --dist worksteal

# The whole MNIST, where a folder beside the project has it.
SHARED := $(abspath ../shared/data/mnist)
ifneq ($(wildcard $(SHARED)/train-images-idx3-ubyte.gz),)
export NEURAL_NETWORK_DATA ?= $(SHARED)
endif

.PHONY: help api demo test test-quick conformance accuracy fuzz kill-test test-lowest bench bench-quick results pictures clean

help:
	@echo "make demo         filters on a digit, two trained networks; under a minute"
	@echo "make test         every check; 5 minutes on two cores, 7 where no kernel is compiled yet;"
	@echo "                  PYTEST_ADDOPTS=--randomly-seed=1234 before it repeats an order of the tests"
	@echo "make test-quick   the style, and the tests that take no several seconds; 2 minutes"
	@echo "make api          write what follows from the declarations of public names"
	@echo "make conformance  beside PyTorch, ONNX's tests and scikit-learn's; installs them (1 GB)"
	@echo "make accuracy     elementary functions beside mpmath at 10,000 numbers each"
	@echo "make fuzz         odd arguments and damaged files for an hour; SECONDS=60 SEED=7 change that"
	@echo "make kill-test    300 trainings killed at random instants and resumed; a few minutes"
	@echo "make test-lowest  the tests with the oldest dependencies allowed"
	@echo "make bench        measure beside the peers, write docs/benchmarks.md; installs them; 40 minutes"
	@echo "                  ROW=field:lenet measures one row, and prints it"
	@echo "make bench-quick  four of its rows, printed; a minute"
	@echo "make results      train all seeds of docs/results.md that are not stored yet; an hour"
	@echo "make pictures     draw docs/images again"
	@echo "make clean        remove .venv and what was built"

demo: $(VENV)/.demo
	$(BIN)/neural-network demo --save demo --force

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest $(IN_PARALLEL)

test-quick: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest $(IN_PARALLEL) -m 'not slow'

api:
	$(PYTHON) tools/make_api.py

conformance: $(VENV)/.conformance
	$(BIN)/python -m pytest conformance

accuracy: $(VENV)/.conformance
	ACCURACY_DRAWS=10000 $(BIN)/python -m pytest $(IN_PARALLEL) conformance/test_accuracy.py

SECONDS ?= 3600
fuzz: $(VENV)/.test
	$(BIN)/python -m fuzz.run --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

kill-test: $(VENV)/.test
	$(BIN)/python -m fuzz.kills --kills $(or $(KILLS),300) $(if $(SEED),--seed $(SEED))

test-lowest: pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python tools/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet -c $(LOWEST)/constraints.txt -e ".[test]"
	$(LOWEST)/bin/python -m pytest $(IN_PARALLEL)

bench: $(BENCH)/.bench
	$(BENCH)/bin/python benchmarks/run.py $(if $(ROW),--only $(ROW))

bench-quick: $(BENCH)/.bench
	$(BENCH)/bin/python benchmarks/run.py --quick

results: $(VENV)/.test
	$(BIN)/python benchmarks/results/run.py

pictures: $(VENV)/.demo
	$(BIN)/python tools/make_pictures.py

clean:
	rm -rf $(VENV) $(LOWEST) $(BENCH) build dist demo

# A marker file, because making a virtual environment may be interrupted; it contains the name of
# the Python, because another one needs another environment.
ifneq ($(shell cat $(VENV)/.made-with 2> /dev/null),$(PYTHON))
.PHONY: $(VENV)/.made-with
endif
$(VENV)/.made-with:
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON) here. Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; found $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(if $(wildcard $@),--clear) $(VENV)
	@echo '$(PYTHON)' > $@

# A marker file for each set of extras; made again when pyproject.toml changes.
$(VENV)/.demo: pyproject.toml $(VENV)/.made-with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cli]"
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.made-with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@ $(VENV)/.demo

$(VENV)/.conformance: pyproject.toml $(VENV)/.made-with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,conformance]"
	@touch $@ $(VENV)/.test $(VENV)/.demo

$(BENCH)/.bench: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	@touch $@

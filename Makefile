# Everything is done in .venv; a step that is done leaves a stamp and is not done again until what it depends on changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXTRAS := report,scripts,torch,onnx,openvino,dev,frameworks
NOT_BY_DEFAULT := not slow and not gpu and not examples
DEMO := examples/sentence_encoder/workload.py:encoder
REQUIREMENTS := $(wildcard examples/*/requirements.txt)
# In those files the lines under a comment that says --no-deps are installed without what they ask for.
SPLIT := FNR == 1 { alone = 0 } /^\#/ { alone = /--no-deps/; next } NF

.DEFAULT_GOAL := help
.PHONY: help setup example-requirements demo docs lint test test-slow planted bench clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-22s %s\n", $$1, $$2}'

setup: $(VENV)/setup.stamp ## the virtual environment, with unslow and what its checks need
$(VENV)/setup.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

example-requirements: $(VENV)/examples.stamp ## the packages that the examples need
$(VENV)/examples.stamp: $(VENV)/setup.stamp $(REQUIREMENTS)
	awk '$(SPLIT) && !alone' $(REQUIREMENTS) | sort -u > $(VENV)/examples.txt
	awk '$(SPLIT) && alone' $(REQUIREMENTS) | sort -u > $(VENV)/examples-alone.txt
	$(PIP) install -c constraints.txt -r $(VENV)/examples.txt
	$(PIP) install --no-deps -r $(VENV)/examples-alone.txt
	touch $@

demo: setup example-requirements ## fixes a slow sentence encoder in five minutes, and says which page to open
	$(BIN)/unslow fix $(DEMO) --budget 5m
	@echo "Open $$(ls -td unslow-runs/*/report.html | head -n 1) in a browser."

docs: setup ## a page for every habit and fix, from their docstrings: docs/catalogue/README.md
	$(BIN)/python docs/catalogue.py

lint: setup ## style, types and layers
	$(BIN)/ruff check src tests bench examples docs
	$(BIN)/ruff format --check src tests bench examples docs
	$(BIN)/pyright
	$(BIN)/lint-imports

test: setup lint ## what must pass before a commit
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "$(NOT_BY_DEFAULT)"

test-slow: setup example-requirements ## the tests that start real races and run the examples
	$(BIN)/python -m pytest -q -m "(slow or examples) and not gpu" --timeout 900

planted: setup ## diagnoses programs with a planted habit, live (an hour); the table is bench/results/planted.md
	$(BIN)/python -m bench.planted

bench: setup ## how long `unslow --help` takes
	$(BIN)/python bench/help_time.py

clean: ## removes caches and runs, but not .venv
	rm -rf unslow-runs .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# All that a newcomer must know: `make demo`, `make test`. Set-up is a file, so every target can ask for it.
.PHONY: demo test check format lint types layers docs bench
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
RUNS := $(VENV)/runs

demo: $(RUNS)
	$(VENV)/bin/cxm demo
test: $(READY)
	$(VENV)/bin/python -m pytest
check: lint types layers test docs
format: $(READY)
	$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .
lint: $(READY)
	$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check .
types: $(READY)
	$(VENV)/bin/mypy
layers: $(READY)
	$(VENV)/bin/lint-imports
docs: $(READY)
	$(VENV)/bin/python -m pytest --doctest-modules --ignore=src/cxminute/store/migrations docs tests/docs src
bench: $(READY)
	for name in collect index funnel pattern flows curves live; do $(VENV)/bin/python -m benchmarks $$name || exit 1; done

# The demo needs the package alone; all else also needs its peers and checks, hundreds of megabytes of them.
$(RUNS): requirements/run.txt pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
$(READY): $(RUNS) requirements/dev.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

# Overread: `make help` lists every target. TORCH=cpu|cuda overrides which build of PyTorch is installed.

TORCH ?= auto
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
BESIDE := .setup/bench
EXIT ?=
PYTEST ?= $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check bench setup develop docs screenshots format pin clean python

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: setup ## set up, start everything, read real photographs, stay until Ctrl-C (EXIT=1: end by itself)
	@$(BIN)/overread demo $(if $(EXIT),--exit)

test: develop ## all tests but the slow ones; within 10 minutes on two cores after set-up
	@$(PYTEST) -m "not slow"

test-slow: develop ## the slow tests: PostgreSQL matrix, long crash runs, benchmark guards
	@$(PYTEST) -m slow

check: develop ## format, lint, types, floors, dashboard types and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/build_dashboard.py check
	@$(PYTEST) -q tests/docs tests/architecture

bench: develop $(BESIDE)/installed ## measure this machine: medians and ratios beside the alternatives
	@$(BIN)/python -m benchmarks

$(BESIDE)/installed: benchmarks/beside.txt | develop
	@rm -rf $(BESIDE)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(BESIDE) -r $< && touch $@ || \
		echo "bench: pytorch-grad-cam cannot be had here and is not compared with" >&2

setup: python ## the virtual environment and the dashboard, as far as using Overread needs them
	@$(PYTHON) scripts/setup.py run --torch $(TORCH)

develop: python ## the same with all that testing and checking need
	@$(PYTHON) scripts/setup.py develop --torch $(TORCH)

screenshots: develop ## take the pictures in docs/images anew, from the real system in a real browser
	OVERREAD_SCREENSHOTS=1 $(PYTEST) -q tests/e2e/dashboard

format: develop ## bring the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: develop ## write the pages of settings, errors and decisions anew from their sources
	$(BIN)/python scripts/reference.py

pin: develop ## write constraints.txt anew from what is installed
	$(BIN)/python scripts/pin.py

clean: ## remove the environment, builds and caches (not your data)
	rm -rf .venv .setup .demo build dist out services/dashboard/web/dist services/dashboard/web/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)" || { echo "Overread needs Python 3.11, 3.12 or 3.13; none was found (PYTHON=/path/to/python3 names one)." >&2; exit 1; }

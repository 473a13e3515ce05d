# The commands of this project. `make demo` and `make test` work on a fresh clone, with nothing before them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
NAME ?=
# Two processes, each with a homeserver and a PostgreSQL of its own; a file's tests stay together, in conftest's order.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test check soak fuzz soak-files bench lock clean

demo: $(VENV)/.run .synapse/.ready ## Play the story on a real homeserver, then keep running
	$(BIN)/python -m ernbot demo $(ARGS)

test: $(VENV)/.dev .synapse/.ready tests/interop/node_modules/.ready tests/validators/node_modules/.ready ## Everything a reviewer runs
	sh tests/prepare.sh
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

check: $(VENV)/.dev tests/validators/node_modules/.ready ## The fast part, under 2 minutes: style, types, imports, tests without homeserver and PostgreSQL
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not homeserver and not postgresql" $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

soak: $(VENV)/.dev .synapse/.ready ## 2,000 messages and 100 kills on each database; SEED=n repeats a run
	sh tests/prepare.sh
	$(BIN)/python -m pytest -s -m soak tests/soak $(ARGS)

fuzz: $(VENV)/.dev ## Damaged pictures through the sandbox for SECONDS=120; SEED=n repeats a run
	$(BIN)/python -m tests.imaging.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak-files: $(VENV)/.dev ## 1,000 mixed files through one pool of workers, and what memory they leave
	$(BIN)/python -m tests.imaging.soak $(ARGS)

bench: $(VENV)/.dev .synapse/.ready ## All benchmarks, or one: make bench NAME=roundtrip
	@set -e; for file in $(if $(NAME),bench/$(NAME).py,$(filter-out bench/__init__.py bench/_%,$(wildcard bench/*.py))); do \
	  $(BIN)/python -m "$$(echo "$$file" | sed 's|/|.|; s|\.py$$||')" $(ARGS); done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.synapse/.ready: config/synapse/requirements.lock
	$(PYTHON) -m venv .synapse
	.synapse/bin/pip install --quiet --disable-pip-version-check --require-hashes -r config/synapse/requirements.lock
	@touch $@

tests/%/node_modules/.ready: tests/%/package-lock.json
	@command -v npm >/dev/null || { echo "The tests need Node.js 20 or newer with npm: install both, so that they are on the PATH." >&2; exit 1; }
	cd tests/$* && npm ci --loglevel=error
	@touch $@

lock: ## Renew the locked dependencies (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -o requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -c requirements.lock --group dev -o requirements-dev.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -o config/synapse/requirements.lock config/synapse/requirements.in

clean:
	rm -rf $(VENV) .synapse tests/interop/node_modules tests/validators/node_modules .mypy_cache .ruff_cache .pytest_cache out

# The commands of Labfork; see README.md.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
# Python keeps what it has compiled, also where the surroundings forbid it: each process starts three times sooner.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: up test bench check format

up: .venv/installed node_modules/installed
	@exec $(BIN)/labfork up

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Labfork needs Python 3.11 or newer: make up PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || (rm -rf .venv; echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)

.venv/installed: .venv/bin/uv requirements.lock pyproject.toml
	@echo "Installing Labfork's Python packages ..."
	@$(UV) --require-hashes -r requirements.lock
	@$(UV) --no-deps --editable .
	@touch $@

node_modules/installed: package.json package-lock.json
	@echo "Installing the proxy and the front-end packages ..."
	@npm ci --silent --no-audit --no-fund $(if $(DEV),,--omit=dev) || (echo "npm could not install the packages above; Labfork needs Node.js 20 and npm"; exit 1)
	@touch $@

.venv/dev-installed: .venv/installed requirements-dev.lock
	@$(UV) --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: dev system
dev: .venv/dev-installed
	@npm ls >/dev/null 2>&1 || { npm ci --silent --no-audit --no-fund && touch node_modules/installed; }

system:
	@tests/install_system_packages

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: dev system
	$(BIN)/python -m pytest --numprocesses=2 $(PYTEST_ARGS)

bench: dev system
	$(BIN)/python -m tests.bench

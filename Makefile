# README.md says how to run and serve the app, CONTRIBUTING.md what the other targets are for.

# The first command that is there is taken: the deployed version before the others.
PYTHON ?= python3.11 python3.12 python3.13 python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements.txt requirements-dev.txt local/requirements.txt packages/functions_host/pyproject.toml packages/functions_host/requirements-worker.txt

# --NAME='VALUE' if VARIABLE is set; its text reaches the command as it is, whatever make or the shell make of $ and quotes.
option = $(if $(value $(2)),--$(1)='$(subst ','\'',$(value $(2)))')

.PHONY: run serve test test-fast test-storage browser azurite check check-infra format bench docs requirements screenshot clean

$(STAMP): $(REQUIREMENTS) $(BIN)/python
	tools/make_venv.sh $(VENV) $(PYTHON)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r packages/functions_host/requirements-worker.txt
	touch $@

# A link to the Python that made the environment. If that Python was removed, the rule above makes the environment again.
$(BIN)/python:

run: $(STAMP)
	$(BIN)/python -m local run $(call option,input,INPUT) $(call option,output,OUTPUT)

serve: $(STAMP)
	$(BIN)/python -m local serve $(call option,port,PORT) $(call option,rules,RULES) $(call option,storage,STORAGE)

test: $(STAMP)
	$(BIN)/python -m pytest

# Without the tests that start a browser, a host process or Azurite, or that take long: conftest.py marks them.
test-fast: $(STAMP)
	$(BIN)/python -m pytest -m "not browser and not storage and not host and not slow"

test-storage: $(STAMP) azurite
	$(BIN)/python -m pytest -m storage

# Installs Chromium, which the tests of the monitor page need. Changes the machine, so no other target does it.
browser:
	tools/install_chromium.sh

# Installs the emulator of Azure Storage into .local, for the tests of the ledger.
azurite:
	tools/install_azurite.sh

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

check-infra: $(STAMP)
	$(BIN)/python -m infra.check

# Writes the tables of the documentation that follow from the code.
docs: $(STAMP)
	$(BIN)/python -m tools.make_docs

# Pins what requirements.in asks for, for every supported Python at once. Versions stay if they can; UPGRADE=1 takes the
# newest that fit.
requirements: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(UPGRADE),--upgrade) requirements.in --output-file requirements.txt

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Takes the README's picture of the monitor page; needs Chromium.
screenshot: $(STAMP)
	$(BIN)/python -m tools.screenshot

clean:
	rm -rf $(VENV) .local

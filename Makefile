# make run, make test, make serve, make check, make bench: see README.md

# The first of them that is there: the deployed version before the others.
PYTHON ?= python3.11 python3.12 python3.13 python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements.txt requirements-dev.txt local/requirements.txt packages/functions_host/pyproject.toml packages/functions_host/requirements-worker.txt

# --NAME='VALUE' if VARIABLE is set; its text reaches the command as it is, whatever make or the shell make of $ and quotes.
option = $(if $(value $(2)),--$(1)='$(subst ','\'',$(value $(2)))')

.PHONY: run serve test check check-infra format bench clean

$(STAMP): $(REQUIREMENTS) $(BIN)/python
	tools/make_venv.sh $(VENV) $(PYTHON)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r packages/functions_host/requirements-worker.txt
	touch $@

# A link to the Python that made the environment. Where that one was removed since, the rule above is to make it anew.
$(BIN)/python:

run: $(STAMP)
	$(BIN)/python -m local run $(call option,input,INPUT) $(call option,output,OUTPUT)

serve: $(STAMP)
	$(BIN)/python -m local serve $(call option,port,PORT)

test: $(STAMP)
	tools/install_chromium.sh
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check-infra: $(STAMP)
	$(BIN)/python -m infra.check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Takes the README's picture of the monitor page; needs Chromium.
.PHONY: screenshot
screenshot: $(STAMP)
	$(BIN)/python -m tools.screenshot

clean:
	rm -rf $(VENV) .local

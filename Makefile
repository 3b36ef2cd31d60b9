# make demo | test | test-postgres | test-long | check        (Python 3.11 or newer; everything goes into .venv)
PYTHON ?= python3
VENV ?= .venv
HOME_DIR ?= madang-demo
SERVE ?= 1
BIN = $(VENV)/bin

.PHONY: demo install install-dev test test-asked test-inner test-postgres test-long prism validators check bench clean

demo: install
	$(BIN)/madang --home $(HOME_DIR) demo $(if $(filter 0,$(SERVE)),--no-serve,)

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# pip keeps to the torch that pyproject.toml pins; README, "Which torch", says how to choose its build.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[physical]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[physical,tabular,planner,pdf,xlsx,kueue,ray,science,s3,dev,postgresql]'
	@touch $@ $(VENV)/.installed

# Threads that wait for each other sleep: spinning, two trainings at once on two cores take 25 times as long.
test test-asked test-inner test-postgres test-long: export OMP_WAIT_POLICY = PASSIVE

# In two halves side by side, since much of it waits: what is tested through an interface, and everything else.
ASKED = tests/interfaces tests/browser tests/sdk tests/test_snippets.py
# The demonstration is played once for both, in a folder that is named or for the time.
test: install-dev
	played="$${MADANG_TEST_PLAYED:-$$(mktemp -d)}"; failed=0; \
	MADANG_TEST_PLAYED="$$played" $(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going \
	  test-asked test-inner || failed=$$?; \
	[ -n "$$MADANG_TEST_PLAYED" ] || rm -rf "$$played"; exit "$$failed"

test-asked: install-dev
	$(BIN)/python -m pytest -m "not long" $(ASKED)

test-inner: install-dev
	$(BIN)/python -m pytest -m "not long" $(addprefix --ignore=,$(ASKED))

# The same suite with records in PostgreSQL: a server of Debian's packages, started by the tests.
test-postgres: install-dev
	MADANG_TEST_RECORDS=postgresql $(BIN)/python -m pytest -m "not long"

test-long: install-dev
	$(BIN)/python -m pytest -m long

# A mock of published interfaces, for tests that skip where it is absent.
prism:
	npm install --silent --no-save --no-package-lock --no-audit --no-fund @stoplight/prism-cli@5.14.2

# Other projects' validators, in an environment of their own, for tests that skip where it is absent.
validators: .venv-validators/.installed

.venv-validators/.installed: Makefile
	$(PYTHON) -m venv .venv-validators
	.venv-validators/bin/python -m pip install --quiet 'roc-validator>=0.13,<1' 'rocrate>=0.15,<1' 'datacite>=1.3,<2'
	@touch $@

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-dev
	$(BIN)/python bench/ledger_and_rights.py
	$(BIN)/python bench/contributor_checks.py
	$(BIN)/python bench/awards.py
	$(BIN)/python bench/planner.py
	$(BIN)/python bench/search.py
	$(BIN)/python bench/harvest.py
	$(BIN)/python bench/deposit.py

clean:
	rm -rf $(VENV) .venv-validators dist build

# Everything a fresh checkout needs: python3 (3.11 or newer), make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test attack mutants bench bench-steady lint format picture clean

help:
	@echo "make run     set up, start emulator, forwarder and viewer, run the shipped suite, serve until Ctrl-C"
	@echo "make test    set up with the test tools and run every test, browser tests included"
	@echo "make mutants  mistakes in the rules of the field that no test would notice, for docs/fidelity.md (ARGS=trigger: one module)"
	@echo "make attack  the long attacks of docs/security.md: kills, damage, odd requests, waits, memory, a full disk; writes its figures"
	@echo "make lint    formatting, lint and types"
	@echo "make bench   measure optilocal beside its peers, write its figures into docs/performance.md (ARGS=--quick: prove that it works)"
	@echo "make bench-steady  an hour of steady load, for the same page"
	@echo "make picture make README's pictures anew out of real traffic"
	@echo "make clean   remove what the other commands made"
	@echo "ARGS=...     more options: make run ARGS='--emulator-port 0 --forwarder-port 0', make test ARGS='-k verdict'"

run: $(VENV)/.installed
	@$(BIN)/optilocal up --run $(ARGS)

# Bytecode is kept, whatever the environment says: tests and benches start hundreds of processes.
test: $(VENV)/.installed-test
	@$(BIN)/python tests/browser.py --install
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

attack: $(VENV)/.installed-test
	@$(BIN)/python -m pytest -p no:cacheprovider --write attacks/*.py $(ARGS)

lint: $(VENV)/.installed-test
	@$(BIN)/ruff format --check emulator forwarder interception scenarios serving tests bench attacks
	@$(BIN)/ruff check emulator forwarder interception scenarios serving tests bench attacks
	@$(BIN)/mypy

format: $(VENV)/.installed-test
	@$(BIN)/ruff check --fix emulator forwarder interception scenarios serving tests bench attacks
	@$(BIN)/ruff format emulator forwarder interception scenarios serving tests bench attacks

bench: $(VENV)/.installed-test
	@$(BIN)/python tests/browser.py --install
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m bench $(ARGS)

bench-steady: $(VENV)/.installed-test
	@$(BIN)/python tests/browser.py --install
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m bench.steady --minutes 60 $(ARGS)
	@$(BIN)/python -m bench.report $(ARGS)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "optilocal needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another with make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.created pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-mutants: $(VENV)/.created pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,mutants]'
	@touch $@ $(VENV)/.installed-test $(VENV)/.installed

mutants: $(VENV)/.installed-mutants
	@$(BIN)/python tests/mutants.py $(ARGS)

picture: $(VENV)/.installed-test
	@$(BIN)/python tests/viewer/shots.py docs/pictures

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis tests/screenshots bench/results/quick bench/results/raw
	find tests bench -name node_modules -type d -prune -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

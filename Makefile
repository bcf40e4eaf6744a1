# `make run` and `make test` do all the set-up on a fresh machine; repeated, they start at once.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SMALL  := qwen2.5-coder-0.5b

.PHONY: run test check format bench injection soak smoke small-model clean help

help:
	@echo "make run    set up, then talk with a local model (without a terminal: ask it once)"
	@echo "make test   set up, then run all tests on the real small model"
	@echo "make check  formatting, lint, types, import layers, file sizes"
	@echo "make bench  the benchmarks, each against its budget"
	@echo "make injection  all texts that give orders, each on the real small model"
	@echo "make soak   sync's state machine at 6,000 examples"
	@echo "make smoke  install the wheel alone and try it"

run: $(VENV)/.ready
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/orch; \
	else $(BIN)/orch ask "In one sentence: what is this project?"; fi

test: $(VENV)/.installed small-model
	@$(BIN)/python -m pytest

check: $(VENV)/.installed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/test_size.py

format: $(VENV)/.installed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed small-model
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

injection: $(VENV)/.installed small-model
	@ORCH_INJECTIONS=all $(BIN)/python -m pytest tests/security/test_injection.py -rP --durations=3

soak: $(VENV)/.installed
	@ORCH_SYNC_EXAMPLES=6000 $(BIN)/python -m pytest tests/sync/test_machine.py --durations=3

smoke: $(VENV)/.installed
	@scripts/smoke $(BIN)/python

small-model: $(VENV)/.installed
	@$(BIN)/orch model pull $(SMALL)

# The model that suits this machine, once.
$(VENV)/.ready: $(VENV)/.installed
	@$(BIN)/orch model pull auto
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt
	@PYTHON=$(PYTHON) scripts/system-packages
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing (llama.cpp is compiled once: five to ten minutes on two cores) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info

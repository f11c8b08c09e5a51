# Everything from a fresh clone with Python (3.11 to 3.13), make and git: `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format bench clean help

help: ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/:/'

.venv/made:
	$(PYTHON) -m venv .venv
	touch $@

.venv/demo-installed: .venv/made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train,video]"
	touch $@

.venv/dev-installed: .venv/made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train,video,hdf5,mujoco,ray,dev]"
	touch $@ .venv/demo-installed

demo: .venv/demo-installed ## a policy learns to act, is evaluated against three others, and a page shows it
	$(BIN)/instar demo --out demo

test: .venv/dev-installed ## every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal  # two processes: no more threads

check: .venv/dev-installed ## formatting, lint, types, and the directions of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev-installed ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/dev-installed ## every benchmark against its reference; one of them: make bench PART=building
	$(BIN)/python -m benchmarks $(PART)

clean: ## remove what was made here
	rm -rf .venv build dist demo

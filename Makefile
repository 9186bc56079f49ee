# The two commands are `make serve` and `make test`; `make help` lists the others.
# Written for GNU make 3.81 (macOS) and newer, and for a machine with only Python and make.

.DEFAULT_GOAL := help
.PHONY: help demo serve test dev-database compile lint format promises fuzz emitters browser pictures bench bench-doors bench-online clean

# Containers often ask for no bytecode. Each of the many processes that the tests start would then
# compile what it imports anew: three seconds instead of one.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
SOURCES := setup.cfg pyproject.toml

# The first Python that is new enough; PYTHON=... names another.
FIND_PYTHON = for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "AgentLogger needs Python 3.11 or newer, and none was found: install it, or name it with PYTHON=/path/to/python3." >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$python lacks the modules that make an environment: install them (Debian, Ubuntu: apt-get install python$$version-venv)." >&2; \
	  exit 1; \
	fi

help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)$$/make \1 \2/' | \
	  while read -r make name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

serve: $(VENV)/installed ## Start AgentLogger on http://127.0.0.1:4318.
	@exec $(BIN)/agentlogger serve

demo: $(VENV)/installed ## Look around: a server with three days of agents' work, on http://127.0.0.1:4328.
	@$(BIN)/python -m demo $(DEMO)

compile: $(VENV)/installed-compile ## Make machine code of the way of a record: a server takes half the time for each.
	@$(BIN)/python -m agentlogger.compiled.building

# Tests wait, for databases and for programs that start: three at once keep two cores busy.
WORKERS := 3
test: $(VENV)/installed-test ## Run every test, on SQLite and on PostgreSQL.
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(T)

dev-database: $(VENV)/installed-test ## Make and migrate the PostgreSQL database agentlogger_dev.
	@$(BIN)/python -m tests.postgresql.development

lint: $(VENV)/installed-test ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

promises: $(VENV)/installed-test ## Run the long proofs.
	$(BIN)/python -m pytest -m promise -o faulthandler_timeout=0 $(T)

MINUTES := 10
fuzz: $(VENV)/installed-fuzz ## Fuzz what reads bytes of strangers, MINUTES=10 in all; SEED=... repeats a run.
	$(BIN)/python -m tests.promises.fuzzing --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

emitters: $(VENV)/installed-test ## Drive real emitters from PyPI and npm against a fake model.
	$(BIN)/python -m pytest -m emitter $(T)

browser: $(VENV)/installed-browser ## Use the pages in Chromium, with scripts and without.
	$(BIN)/python -m pytest -m browser $(or $(T),tests/browser)

pictures: $(VENV)/installed-browser ## Take a picture of every view into build/pictures.
	$(BIN)/python -m demo.pictures $(PICTURES)

bench: $(VENV)/installed-bench ## Measure ingest on both databases, and what each part of it costs.
	-@$(MAKE) --no-print-directory compile
	$(BIN)/python -m bench.ingest
	$(BIN)/python -m bench.features

bench-doors: $(VENV)/installed-bench ## Measure the migration commands beside bare Alembic and Django.
	$(BIN)/python -m bench.doors

bench-online: $(VENV)/installed-bench ## Measure what clients wait for while the table of records changes.
	$(BIN)/python -m bench.online_migration

clean: ## Remove the environment and what tools left behind; data in instance/ stays.
	rm -rf $(VENV) agentlogger/compiled/*/ build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

# Installed once for each state of the settings: a second start touches no network.
$(VENV)/installed: $(SOURCES)
	@$(FIND_PYTHON); \
	echo "Installing AgentLogger into $(VENV) with $$python ..." >&2; \
	"$$python" -m venv $(VENV) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . && \
	touch $@

$(VENV)/installed-compile: $(VENV)/installed
	@echo "Installing what compiling needs ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[compile]' && touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "Installing what the tests need ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' && touch $@

$(VENV)/installed-bench: $(VENV)/installed-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]' && touch $@

$(VENV)/installed-fuzz: $(VENV)/installed-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' && touch $@

$(VENV)/installed-browser: $(VENV)/installed-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]' && touch $@

# make demo   a simulated district, live, on embedded defaults
# make test   the tests
# Needs Python 3.11 or newer with venv, make, and a package index. Everything lands in .venv and .submeter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lock test-influx2 test-grafana clean help

help:
	@sed -n '1,3s/^# //p' Makefile

define need_python
	@command -v $(PYTHON) >/dev/null || { echo "submeter: no '$(PYTHON)' here. Install Python 3.11 or newer, or say: make $@ PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "submeter: '$(PYTHON)' is older than 3.11. Say: make $@ PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "submeter: this Python has no venv. On Debian: apt-get install python3-venv" >&2; exit 1; }
endef

define install
	$(need_python)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "submeter: installing from $(1) (the first time takes a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) || { echo "submeter: the packages could not be installed; is a package index reachable? (pip's own message is above)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
endef

$(VENV)/demo.done: requirements/demo.lock pyproject.toml
	$(call install,requirements/demo.lock)

$(VENV)/dev.done: requirements/dev.lock pyproject.toml
	$(call install,requirements/dev.lock)
	@touch $(VENV)/demo.done

demo: $(VENV)/demo.done
	@exec $(BIN)/submeter demo $(ARGS)

test: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

test-influx2: $(VENV)/dev.done
	@test -n "$(INFLUXD)" || { echo "say where the server is: make test-influx2 INFLUXD=/path/to/influxd" >&2; exit 1; }
	SUBMETER_INFLUXD=$(INFLUXD) $(BIN)/python -m pytest tests -k influx2 $(ARGS)

test-grafana: $(VENV)/dev.done
	@test -n "$(GRAFANA_HOME)" || { echo "say where Grafana is: make test-grafana GRAFANA_HOME=/path/to/grafana" >&2; exit 1; }
	SUBMETER_GRAFANA_HOME=$(GRAFANA_HOME) $(BIN)/python -m pytest tests/dashboards/grafana $(ARGS)

# needs `uv` (pip install uv); hashes for every platform, no index addresses
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra demo pyproject.toml -o requirements/demo.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml -o requirements/dev.lock

clean:
	rm -rf $(VENV) .submeter

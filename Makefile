# Everything sets itself up: the first call makes .venv with pinned packages.
#   make run [BOARD=board/sim.toml] [CSMS=ws://host:port/path] [ID=CS001] [ONCE=1]
#   make test    make bench    make fuzz    make torture [CUTS=10000]
#   make conformance    make lint    make clean
#   make image-test    make footprint
BOARD ?= board/demo.toml
JSON ?= build/bench.json
PY := .venv/bin/python

CUTS ?= 10000

.PHONY: run test bench fuzz torture conformance image-test footprint lint setup clean

run: .venv/.ready
	@$(PY) -m tests.play --board $(BOARD) $(if $(CSMS),--csms $(CSMS)) $(if $(ID),--id $(ID)) $(if $(ONCE),--once)

test: .venv/.ready
	@$(PY) -m pytest -n auto --dist worksteal

bench: .venv/.ready
	@mkdir -p $(dir $(JSON))
	@$(PY) -m tests.perf.bench --json $(JSON)

fuzz: .venv/.ready
	@$(PY) -m tests.ocpp.fuzz --frames 1000000

torture: .venv/.ready
	@$(PY) -m tests.scenarios.power_cut --cuts $(CUTS)

conformance: .venv/.ready
	@$(PY) -m tests.conformance

# Every step is told: run, or skipped and why.
image-test: .venv/.ready
	@$(PY) -m pytest -vv -rs -p no:cacheprovider --durations=0 --durations-min=1 \
		tests/image/test_*.py tests/hal/test_can_kernel.py tests/image/step_*.py

footprint: .venv/.ready
	@$(PY) -m tests.image.footprint

lint: .venv/.ready
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

setup: .venv/.ready

.venv/.ready: setup.cfg pyproject.toml constraints.txt tests/setup_venv.sh
	@sh tests/setup_venv.sh

clean:
	@rm -rf .venv build dist run *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

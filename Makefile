# Every target works from a fresh clone: it makes .venv first if that is missing or out of date.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.installed
# Tools that are no dependencies have environments of their own.
SBOM := build/release/sbom/bin/cyclonedx-py
SCHEMATHESIS := build/fuzz/bin/schemathesis
ZIZMOR := build/release/tools/bin/zizmor
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

# No telemetry, and a patient first start of the temporary Prefect server.
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1
# Compiled once, not once a process: the tests start many.
export PYTHONDONTWRITEBYTECODE =
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS = 90

.PHONY: ready demo test lint types types-mypy types-pyright types-user docs gallery fuzz bench chaos dist release-check clean

ready: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed; this is " + sys.version.split()[0] + ". Say which one: make PYTHON=python3.12 " + "demo")'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "Installing prefect-genmedia into $(VENV) (once; about a minute)"
	@$(RUN) $(PIP_INSTALL) --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

$(SCHEMATHESIS): tests/fuzz/requirements.txt
	@$(PYTHON) -m venv build/fuzz
	@build/fuzz/bin/python $(PIP_INSTALL) --no-compile --requirement $<
	@touch $@

$(SBOM): tests/release/sbom.txt
	@$(PYTHON) -m venv build/release/sbom
	@build/release/sbom/bin/python $(PIP_INSTALL) --requirement $<
	@touch $@

$(ZIZMOR): tests/release/requirements.txt
	@$(PYTHON) -m venv build/release/tools
	@build/release/tools/bin/python $(PIP_INSTALL) --requirement $<
	@touch $@

demo: $(READY)
	@$(RUN) -m prefect_genmedia.cli demo $(DEMO)

test: $(READY)
	$(RUN) -m pytest -n $${GENMEDIA_TEST_WORKERS:-5} --dist loadgroup $(TEST)

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-logo

types: types-mypy types-pyright types-user

types-mypy: $(READY)
	$(RUN) -m mypy -p prefect_genmedia
	$(RUN) -m mypy examples

types-pyright: $(READY)
	$(RUN) -m pyright

types-user: $(READY)
	$(RUN) tests/typing/check.py $(TYPES_OF)

chaos: $(READY)
	@$(RUN) -c "import prefect_redis" 2>/dev/null || $(RUN) $(PIP_INSTALL) --constraint constraints.txt --editable '.[redis]'
	$(RUN) -m pytest -q -m slow $(or $(TEST),tests)

# Strict: dead links, missing anchors, and names that no module has.
docs: $(READY)
	@test -x $(VENV)/bin/mkdocs || $(RUN) $(PIP_INSTALL) --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet
	@echo "build/site/index.html"

# Every picture in docs/images, made anew by the flows on the emulator; needs chromium.
gallery: $(READY)
	$(RUN) -m tests.looks.remake

fuzz: $(READY) $(SCHEMATHESIS)
	$(RUN) tests/fuzz/run.py $(SCHEMATHESIS)

bench: $(READY)
	$(RUN) -m benchmarks.run
	$(RUN) -m benchmarks.ledger
	$(RUN) -m benchmarks.imaging
	$(RUN) -m benchmarks.simulation
	$(RUN) -m benchmarks.profile
	$(RUN) -m benchmarks.imports
	$(RUN) -m benchmarks.waiting

dist: $(READY)
	@rm -rf dist build/lib build/bdist.*
	@$(RUN) -m build --outdir dist . >/dev/null
	@ls dist

# QUICK=1: with what `.ci/run` has just built. TAG=v0.1.0: the version that is released.
release-check: $(READY) $(ZIZMOR) $(if $(QUICK),,$(SBOM))
	$(RUN) tests/release/check.py $(if $(QUICK),--quick) $(if $(TAG),--tag "$(TAG)")

clean:
	rm -rf $(VENV) build dist *.egg-info genmedia-demo

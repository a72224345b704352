# All paths are relative, so that make also works in a folder with a space in its path.
.DEFAULT_GOAL := help
.PHONY: help demo check test nightly soak fuzz storm sbom lint lock clean
.PHONY: tests-fast tests-without-brokers tests-integration

# hmmlearn, numpy and others publish wheels for these. A later Python needs a C++ compiler.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
		&& echo "$$name" && exit; \
	done; echo python3)
ARGS ?=
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
UV_LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
UV_COMPILE := $(UV_LOCK) --group build

# A virtual environment contains its own path. Rebuild one that was moved or copied, or that lost
# its Python.
$(shell [ -x .venv/bin/python ] && [ "$$(cat .venv/.home 2>/dev/null)" = "$$(pwd -P)" ] \
	|| rm -f .venv/.home)

# Tests start hundreds of Python processes. Without bytecode files, each compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo   run the demo, end to end, on the embedded broker; ARGS='--seed 2' is passed on"
	@echo "make check  lint, type-check, and run the unit and property tests; ARGS='-k portland' is"
	@echo "            passed to pytest"
	@echo "make test   make check with the slow tests and the integration tests; ARGS=--cov reports"
	@echo "            the coverage"
	@echo "make nightly"
	@echo "            make test, then all demo seeds, property tests with more examples, make fuzz"
	@echo "make soak   run worker and gateway for an hour under steady traffic, and check that neither"
	@echo "            memory nor open files grow; ARGS='--minutes 20' is passed on"
	@echo "make fuzz   fuzz every parser of foreign input with a million inputs, guided by coverage;"
	@echo "            RUNS=10000000 for more"
	@echo "make storm  break three brokers, workers and gateways under load for at most 20 minutes and"
	@echo "            count every id; the report goes to build/storm; ARGS='--seed 2' is passed on"
	@echo "make sbom   write build/sbom.json: the runtime dependencies with versions and licences"
	@echo "            (CycloneDX 1.6)"
	@echo "make lint   run ruff, mypy and import-linter"
	@echo "make lock   write requirements.lock and requirements-dev.lock from pyproject.toml;"
	@echo "            ARGS=--upgrade for newer versions"
	@echo "make clean  remove all build products (the Kafka jars stay in the user's cache)"

demo: .venv/.runtime
	@.venv/bin/misfire demo $(ARGS)

soak: .venv/.runtime
	@.venv/bin/misfire bench soak $(ARGS)

# pytest exits with 5 if ARGS selects no test, which is not a failure here.
PYTEST := .venv/bin/python -m pytest
NONE_IS_FINE := || [ $$? -eq 5 ]
# Integration tests mostly wait, so run more processes than there are cores.
INTEGRATION_JOBS ?= 3

# Run static checks and tests at the same time.
check: .venv/.dev
	@$(MAKE) --no-print-directory --jobs=2 lint tests-fast

# One run of the fast and slow tests imports the modules and trains the bundle of the tests once.
# The integration tests have deadlines, so nothing else computes beside them.
test: .venv/.dev
	@$(MAKE) --no-print-directory --jobs=2 lint tests-without-brokers
	@$(MAKE) --no-print-directory tests-integration

nightly: test
	$(PYTEST) -n auto --hypothesis-profile=nightly -m "hypothesis or nightly" $(ARGS)
	@$(MAKE) --no-print-directory fuzz

tests-fast: .venv/.dev
	$(PYTEST) -n auto --ignore tests/integration -m "not slow and not nightly" $(ARGS) $(NONE_IS_FINE)

tests-without-brokers: .venv/.dev
	$(PYTEST) -n auto --ignore tests/integration $(ARGS) $(NONE_IS_FINE)

# A busy machine can make one test too slow. It runs once more, and the summary names it.
tests-integration: .venv/.dev
	$(PYTEST) -n $(INTEGRATION_JOBS) --reruns 1 -raR tests/integration $(ARGS) $(NONE_IS_FINE)

# Each target gets its share of the runs. An input that breaks one is kept as build/fuzz/crash-….
RUNS ?= 1000000
fuzz: .venv/.dev
	@mkdir -p build/fuzz
	@.venv/bin/python -c 'from tests.fuzz.targets import TARGETS; print(*TARGETS, sep="\n")' \
		> build/fuzz/targets
	@cd build/fuzz && while read -r name; do \
		PYTHONPATH=../.. ../../.venv/bin/python -m tests.fuzz.campaign "$$name" $(RUNS) \
			> "$$name.log" 2>&1 || { tail -40 "$$name.log"; exit 1; }; \
		echo "$$name: $$(grep -E 'executed_units|peak_rss' "$$name.log" | grep -oE '[0-9]+' \
			| paste -sd ' ') (inputs, MB)"; \
	done < targets

storm: .venv/.dev
	@.venv/bin/python -m tests.storm.campaign $(ARGS)

# Use a separate environment, without the development tools.
sbom: .venv/.dev requirements.lock
	@.venv/bin/python -m venv --clear build/sbom
	@build/sbom/bin/python -m pip --disable-pip-version-check --quiet install --no-deps \
		--require-hashes --requirement requirements.lock
	@.venv/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
		--output-file build/sbom.json build/sbom/bin/python
	@rm -rf build/sbom
	@.venv/bin/python -c 'import json; \
		parts = json.load(open("build/sbom.json"))["components"]; \
		bare = [part["name"] for part in parts if not part.get("licenses")]; \
		print("build/sbom.json:", len(parts), "packages;", \
			"without a licence in their metadata:", ", ".join(bare) or "none")'

lint: .venv/.dev
	.venv/bin/python -m pip check # fails if pyproject.toml and the locks disagree: run make lock
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

lock: .venv/.dev
	$(UV_COMPILE) $(ARGS) --output-file requirements.lock pyproject.toml
	$(UV_COMPILE) --group dev --extra alexa --extra hermes --extra plot --extra wyoming --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml
	for name in ovos rasa; do \
		$(UV_LOCK) $(ARGS) --prerelease allow --output-file \
			tests/streams/runtimes/$$name/requirements.lock \
			tests/streams/runtimes/$$name/requirements.in || exit 1; \
	done

clean:
	rm -rf .venv build dist misfire_detector.egg-info .coverage .hypothesis
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find dashboards detector streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.home:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "misfire needs Python 3.11 or later, but '$(PYTHON)' is older or missing." >&2; \
		echo "Install one, or set its name: 'make PYTHON=python3.12 ...'." >&2; \
		exit 3; }
	@echo "Creating .venv; installing the locked dependencies takes about a minute."
	@"$(PYTHON)" -m venv --clear .venv
	@pwd -P > .venv/.home

# A lock is complete, so pip need not resolve: with --no-deps, an old pip does not look for newer
# releases of packages with extras. The second install adds misfire itself, editable, built with the
# locked setuptools.
.venv/.runtime: .venv/.home requirements.lock pyproject.toml
	@rm -f $@
	@$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.home requirements-dev.lock pyproject.toml
	@rm -f $@
	@$(PIP) install --no-deps --require-hashes --requirement requirements-dev.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.runtime

# Everything goes into .venv/; `make demo` and `make test` are all that a fresh machine needs.
PYTHON ?= python3
RUN := .venv/bin/python
SETTINGS := setup.cfg .ci/develop.py

.DEFAULT_GOAL := help
.PHONY: help demo test check unit test-kong test-apisix bench soak mutants clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/demo.stamp: $(SETTINGS)
	@echo "setting up .venv/ (a minute, once)"
	@$(PYTHON) .ci/develop.py demo
	@touch $@

.venv/all.stamp: $(SETTINGS)
	@echo "setting up .venv/ with the test tools (a minute or two, once)"
	@$(PYTHON) .ci/develop.py demo test dev
	@touch $@ .venv/demo.stamp

demo: .venv/demo.stamp ## real identity provider, real gateway, real plugin: the tour
	@$(RUN) -m gatepass.plugin demo $(ARGS)

test: .venv/all.stamp check ## everything that must hold: check, then all tests with coverage
	$(RUN) -m pytest -m "not soak" -n auto --dist loadfile --cov --cov-report=term --cov-report=json:.venv/coverage.json $(ARGS)
	$(RUN) .ci/branches.py .venv/coverage.json

check: .venv/all.stamp ## ruff (ALL), mypy --strict, the direction of imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict --namespace-packages --explicit-package-bases -p gatepass
	.venv/bin/mypy --strict tests .ci
	$(RUN) -m pytest -q tests/unit/test_imports.py

unit: .venv/all.stamp ## the fast tests only
	$(RUN) -m pytest -q tests/unit $(ARGS)

test-kong: .venv/all.stamp ## the gateway tests through a real Kong: KONG=/path/to/kong
	GATEPASS_KONG="$(KONG)" $(RUN) -m pytest tests/gateways/test_kong_real.py $(ARGS)

test-apisix: .venv/all.stamp ## the gateway tests through a real APISIX: APISIX=/path/to/apisix
	GATEPASS_APISIX="$(APISIX)" $(RUN) -m pytest tests/gateways/test_apisix_real.py $(ARGS)

bench: .venv/all.stamp ## ratios to one bare RS256 verification in the same run
	$(RUN) tests/bench/run.py $(ARGS)

soak: .venv/all.stamp ## the long versions of the fuzz, race and kill tests
	GATEPASS_SOAK=1 $(RUN) -m pytest -m soak --timeout 3600 $(ARGS)

mutants: .venv/all.stamp ## delete the checks of the judging core one by one; a test must fail each time
	$(RUN) tests/mutants/run.py $(ARGS)

clean: ## remove .venv/ and what the tools leave behind
	rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info

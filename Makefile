# make run and make test are all that is needed; both set the host up themselves.
.PHONY: help run test setup setup-tests lint unit resolver-check bench bench-compare screenshots clean-test
export PYTHONPATH := src
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/archipelago
quiet := PATH=/opt/archipelago/venv-tests/bin:$$PATH PYTHONPYCACHEPREFIX=$(cache)/pycache HYPOTHESIS_STORAGE_DIRECTORY=$(cache)/hypothesis

help:          ## say what there is
	@awk -F ':|##' '/^[a-z-]+:.*##/ { printf "make %-14s %s\n", $$1, $$3 }' Makefile

run:           ## set the host up and run the node in the foreground
	@scripts/run

test:          ## set the host up and run all checks and tests
	@scripts/test

setup:         ## set the host up and do nothing else
	@scripts/prepare-host
	@scripts/setup-python
	@scripts/setup-ui

setup-tests: setup
	@scripts/setup-python --tests

lint: setup-tests ## check format, types and borders, as the user that you are
	@$(quiet) scripts/lint

unit: setup-tests ## run the pure tests alone, as the user that you are
	@$(quiet) python -m pytest -o cache_dir=$(cache)/pytest tests/unit

resolver-check: setup-tests ## compare the resolver with one that tries everything, on 100,000 catalogs (some minutes)
	@ARCHIPELAGO_CATALOGS=100000 $(quiet) python -m pytest -o cache_dir=$(cache)/pytest --timeout 0 tests/unit/container/dependency_resolver/test_dependency_resolver_oracle.py

bench:         ## measure, side by side with the peers, and write the tables of bench/README.md
	@scripts/bench

bench-compare: ## measure this checkout and COMMIT in turn, and print the ratios with their spread
	@scripts/bench-compare "$(COMMIT)"

screenshots:   ## take a picture of every page, into screenshots/
	@scripts/screenshots

clean-test: setup ## end and remove what the tests have left behind
	@scripts/clean-test

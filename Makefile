# make run and make test are all that is needed; both set the host up themselves.
.PHONY: help run test test-vm test-catalog setup setup-tests lint unit properties coverage resolver-check updates chaos histories backup-targets backups-proof bench bench-compare screenshots pictures app-screenshots clean-test
export PYTHONPATH := src
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/archipelago
quiet := PATH=/opt/archipelago/venv-tests/bin:$$PATH PYTHONPYCACHEPREFIX=$(cache)/pycache HYPOTHESIS_STORAGE_DIRECTORY=$(cache)/hypothesis

help:          ## list the targets
	@awk -F ':|##' '/^[a-z-]+:.*##/ { printf "make %-15s %s\n", $$1, $$3 }' Makefile

run:           ## set up the host and run the node in the foreground
	@scripts/run

test:          ## set up the host and run all checks and tests
	@scripts/test

test-vm:       ## try limits in a guest with a kernel of its own, on which they are enforced (some minutes)
	@scripts/test-vm

setup:         ## set up the host only
	@scripts/prepare-host
	@scripts/setup-python
	@scripts/setup-ui

setup-tests: setup
	@scripts/setup-python --tests

lint: setup-tests ## check format, words, types and layers, as the current user
	@$(quiet) scripts/lint

unit: setup-tests ## run only the pure tests, as the current user
	@$(quiet) python -m pytest -o cache_dir=$(cache)/pytest tests/unit

properties: setup-tests ## run the pure tests with all examples of the property tests (some minutes)
	@$(quiet) python -m pytest -o cache_dir=$(cache)/pytest --hypothesis-profile all-examples tests/unit

coverage: setup-tests ## show what of the code the unit tests run, and fail where it is too little of a pure part
	@$(quiet) scripts/coverage

resolver-check: setup-tests ## compare the resolver with one that tries everything, on 100,000 catalogs (some minutes)
	@ARCHIPELAGO_CATALOGS=100000 $(quiet) python -m pytest -o cache_dir=$(cache)/pytest --timeout 0 tests/unit/container/dependency_resolver/test_dependency_resolver_oracle.py

histories: setup-tests ## live through 10,000 random histories of nodes with money, and look that none loses it (half a minute)
	@ARCHIPELAGO_HISTORIES=10000 $(quiet) python -m pytest -o cache_dir=$(cache)/pytest --timeout 0 tests/unit/container/data/test_fund_histories.py

updates:       ## try every bad update on every disk, with a kill of the daemon at every step (some minutes)
	@ARCHIPELAGO_ALL_STEPS=1 scripts/test tests/integration/test_update_rollback.py

chaos:         ## kill -9 in CHAOS_ROUNDS (112) rounds, while the owner of five apps changes something (long)
	@CHAOS_ROUNDS=$${CHAOS_ROUNDS:-112} scripts/test tests/chaos/test_kill.py

test-catalog:  ## install and use most apps of the catalog (a quarter of an hour; the first time, LND is compiled)
	@ARCHIPELAGO_TEST_CATALOG=1 scripts/test tests/catalog

backup-targets: ## try all targets, also a real S3 server, which Go builds of its module (some minutes the first time)
	@server="$$(scripts/s3-server)" && ARCHIPELAGO_BUCKET_SERVER="$$server" scripts/test tests/integration/test_backup_s3.py \
	  tests/integration/test_backup_targets.py tests/integration/programs/test_remote_proofs.py

backups-proof: ## make BENCH_BACKUPS (300) backups of apps that write, with kill -9, and restore each of them (hours)
	@scripts/bench backup_proof

bench:         ## run the benchmarks against comparable programs, and write the tables of bench/README.md
	@scripts/bench

bench-compare: ## measure this checkout and COMMIT in turn, and print the ratios with their spread
	@scripts/bench-compare "$(COMMIT)"

screenshots:   ## take a picture of every page, into screenshots/
	@scripts/screenshots

pictures:      ## keep new pictures of every view, for the comparison in the tests
	@ARCHIPELAGO_KEEP_PICTURES=1 scripts/test tests/e2e/test_page_pictures.py

app-screenshots: ## take pictures of the running apps for the store, into apps/*/screenshots/
	@scripts/app-screenshots

clean-test: setup ## stop and remove what tests left behind
	@scripts/clean-test

# make run and make test are all that is needed; both set the host up themselves.
.PHONY: help run test setup lint unit bench

help:          ## say what there is
	@awk -F ':|##' '/^[a-z]+:.*##/ { printf "make %-8s %s\n", $$1, $$3 }' Makefile

run:           ## set the host up and run the node in the foreground
	@scripts/run

test:          ## set the host up and run all checks and tests
	@scripts/test

setup:         ## set the host up and do nothing else
	@scripts/prepare-host
	@scripts/setup-python

lint: setup    ## check format, types and borders
	@PATH=/opt/archipelago/venv/bin:$$PATH PYTHONPATH=src scripts/lint

unit: setup    ## run the pure tests alone
	@PYTHONPATH=src PYTHONDONTWRITEBYTECODE=1 /opt/archipelago/venv/bin/python -m pytest -p no:cacheprovider tests/unit

bench: setup   ## measure, side by side with the peers
	@scripts/bench

"""The composer whose templates are rendered by processes: one that hangs, or cannot be started, is its app's alone."""

import resource
from pathlib import Path

import pytest

from archipelago.container.workload.templates.renderer import TemplateJob
from archipelago.container.workload.templates.workers import TemplateWorkers
from archipelago.errors import NodeError
from support.app_records import record
from support.composers import GIB, composer_in

HANG = "{% for i in range(9999) %}{{ range(9999) | map('string') | select | list | length }}{% endfor %}"


class CountingWorkers(TemplateWorkers):
    """Counts how often it is asked for what hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging = 0

    def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
        self.hanging += job.source == HANG
        return super().render(job, seconds)


async def test_an_app_that_cannot_be_compiled_is_no_matter_of_the_others(tmp_path: Path) -> None:
    workers = CountingWorkers()
    composer = composer_in(tmp_path, workers, lambda: 100 * GIB)
    records = {
        "bad": record(tmp_path / "apps", "bad", 0, HANG),
        "good": record(tmp_path / "apps", "good", 1, "{{ app.id }}"),
        "slow": record(tmp_path / "apps", "slow", 2, "{{ range(2000) | map('string') | join | length }}"),
    }
    try:
        with pytest.raises(NodeError, match=r"apps/bad: containers\.main\.command, line 1: it takes more than"):
            await composer.compose(records, ("good",))
        tried = workers.hanging
        for _ in range(20):
            state = await composer.compose(records, records)
            assert state.broken == {"bad"}
            assert state.apps["bad"].workload.containers == () and "command" in state.apps["bad"].problem
            assert state.apps["good"].workload.containers[0].spec.command == ("good",)
            assert state.apps["slow"].workload.containers[0].spec.command == ("6890",)
        assert workers.hanging == tried >= 1, "it is not tried again as long as nothing of it changes"
        records["bad"] = record(tmp_path / "newer", "bad", 0, "well")
        assert (await composer.compose(records)).broken == frozenset()
    finally:
        workers.close()


async def test_a_process_that_cannot_be_started_now_is_started_next_time(tmp_path: Path) -> None:
    workers = TemplateWorkers()
    composer = composer_in(tmp_path, workers, lambda: 100 * GIB)
    records = {
        "good": record(tmp_path / "apps", "good", 0, "{{ app.id }}"),
        "slow": record(tmp_path / "apps", "slow", 1, "{{ range(2000) | map('string') | join | length }}"),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        await composer.compose({"good": records["good"]})  # a thread is there, and what it imports
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            state = await composer.compose(records, records)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert state.broken == {"slow"} and "could be started" in state.apps["slow"].problem
        assert state.apps["good"].workload.containers[0].spec.command == ("good",)
        state = await composer.compose(records)
        assert state.apps["slow"].workload.containers[0].spec.command == ("6890",)
    finally:
        workers.close()

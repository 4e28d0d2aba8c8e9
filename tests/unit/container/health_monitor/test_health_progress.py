"""How probe results become a health: pure, with times passed in."""

from datetime import UTC, datetime, timedelta

from archipelago.api.health import Health, HealthState, Sync
from archipelago.container.health_monitor.progress import Progress, Verdict
from archipelago.container.manifest.model.probes import HealthCheck, TcpProbe

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = HealthCheck(probe=TcpProbe(type="tcp", port=80), failures=3, start_timeout=60)
NEW = Progress(Health(state=HealthState.STARTING, since=NOW))


def sync(percent: float) -> Sync:
    return Sync(chain="main", height=10, headers=100, percent=percent, initial_block_download=True)


def test_a_container_is_starting_until_it_answers_or_is_late() -> None:
    refused = Verdict(False, "Connection refused")
    assert NEW.after(refused, SPEC, 59, NOW).health.state is HealthState.STARTING
    late = NEW.after(refused, SPEC, 61, NOW).health
    assert late.state is HealthState.UNHEALTHY
    assert "no answer 60 s after its start: Connection refused" in late.reason


def test_it_takes_several_failures_to_lose_health_and_one_answer_to_regain_it() -> None:
    progress = NEW.after(Verdict(True), SPEC, 1, NOW)
    assert progress.health.state is HealthState.HEALTHY
    for _ in range(2):
        progress = progress.after(Verdict(False, "timed out"), SPEC, 100, NOW)
        assert progress.health.state is HealthState.HEALTHY
    progress = progress.after(Verdict(False, "timed out"), SPEC, 100, NOW + timedelta(seconds=9))
    assert progress.health.state is HealthState.UNHEALTHY
    assert progress.health.since == NOW + timedelta(seconds=9)
    assert progress.after(Verdict(True), SPEC, 101, NOW).health.state is HealthState.HEALTHY


def test_syncing_is_no_failure_and_is_estimated_from_its_own_pace() -> None:
    progress = NEW.after(Verdict(True, sync=sync(10), syncing=True), SPEC, 100, NOW)
    assert progress.health.state is HealthState.SYNCING
    assert progress.health.sync is not None and progress.health.sync.seconds_left is None
    progress = progress.after(Verdict(True, sync=sync(20), syncing=True), SPEC, 200, NOW)
    assert progress.health.sync is not None and progress.health.sync.seconds_left == 800

"""What one installation costs: its dependencies are resolved at the plan and in the turn, its options read once."""

from collections import Counter
from typing import Any

import pytest

from archipelago.container.desired import composer
from archipelago.container.desired.composer import Composer
from support.jobs_bench import REQUIRES, Bench


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is called."""
    counted: Counter[str] = Counter()

    def count(place: Any, name: str) -> None:
        real = getattr(place, name)

        def counting(*given: Any, **named: Any) -> Any:
            counted[name] += 1
            return real(*given, **named)

        monkeypatch.setattr(place, name, counting)

    count(composer, "resolve")
    count(Composer, "check_options")
    count(Composer, "_compile")
    return counted


async def test_an_installation_resolves_at_the_plan_and_in_the_turn_and_reads_its_options_once(
    node: Bench, calls: Counter[str]
) -> None:
    calls.clear()
    begun = await node.orchestrator.install("user", {"n": "5"}, {}, start=True)
    assert calls == {"resolve": 1, "check_options": 1}, "at the plan"
    await node.ended(begun)
    assert calls == {"resolve": 2, "check_options": 1, "_compile": 1}, "and in the turn"
    assert (await node.state.load_apps())["user"].options == {"n": 5}
    assert node.apps.desired.plan == (await node.parts.composer.compose(await node.state.load_apps())).plan


async def test_a_removal_and_a_change_of_options_resolve_twice_as_well_and_an_update_thrice(
    node: Bench, calls: Counter[str]
) -> None:
    await node.installed("user")
    node.offer("user", REQUIRES, version="2.0")
    for begin, resolved in (
        # Once more for what is measured while others may decide.
        (lambda: node.orchestrator.update("user"), 3),
        (lambda: node.orchestrator.configure("user", {"n": 2}, ()), 2),
        (lambda: node.orchestrator.remove("user", delete_data=False), 2),
    ):
        calls.clear()
        await node.ended(await begin())
        assert calls["resolve"] == resolved


async def test_the_plan_that_the_owner_agreed_to_is_the_one_that_runs(node: Bench) -> None:
    agreed = (await node.orchestrator.plan("user", {}, {})).digest
    node.images.gate.clear()
    begun = await node.orchestrator.install("user", {}, {}, start=True, agreed=agreed)
    await node.operations.wait(begun.id, 0)
    node.offer("user", REQUIRES, version="2.0")
    node.images.gate.set()
    ended = await node.ended(begun)
    assert ended.error is not None and "changed in the catalog since the plan was made" in ended.error.message
    assert not await node.state.load_apps() and not await node.state.has_slot("user")

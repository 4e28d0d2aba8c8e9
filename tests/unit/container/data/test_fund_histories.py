"""No history of nodes, disks and targets loses money (`make histories` lives through 10,000)."""

import os

import pytest

from support.examples import examples
from support.fund_world import Broken, history

COUNT = int(os.environ.get("ARCHIPELAGO_HISTORIES", examples(400)))


def test_no_history_ends_on_older_channels_with_two_nodes_on_one_state_or_a_wallet_without_a_copy() -> None:
    worlds = [history(seed) for seed in range(COUNT)]
    assert sum(world.refused for world in worlds) > COUNT // 20, "starts that would have lost money were tried"
    assert sum(world.ran for world in worlds) > 5 * COUNT


@pytest.mark.parametrize("control", ["always_starts", "forgets_keys", "forgets_classes"])
def test_the_same_histories_lose_money_without_the_rules(control: str) -> None:
    with pytest.raises(Broken):
        for seed in range(1000):
            history(seed, **{control: True})

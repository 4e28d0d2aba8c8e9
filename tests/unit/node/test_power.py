"""How the node, or the machine, is ended."""

import pytest

from archipelago.api.system import PowerAction
from archipelago.errors import NodeError
from archipelago.node.power import Power


async def test_only_what_is_carried_out_is_offered() -> None:
    power = Power(obeyed=False)
    assert power.actions == (PowerAction.RESTART, PowerAction.STOP)
    with pytest.raises(NodeError, match="cannot turn off the machine") as refused:
        power.ask(PowerAction.POWER_OFF)
    assert refused.value.hint
    assert not power.asked.is_set() and power.wanted is None


async def test_the_first_wish_counts() -> None:
    power = Power(obeyed=True)
    power.ask(PowerAction.REBOOT)
    power.ask(PowerAction.RESTART)
    assert power.asked.is_set() and power.wanted is PowerAction.REBOOT

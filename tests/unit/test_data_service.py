"""What the owner does about kept data while other things go on."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.container.data.service import DataService
from archipelago.container.desired_state import DesiredState


@pytest.mark.parametrize("busy", [False, True])
async def test_an_app_that_is_being_installed_keeps_its_user_ids_when_kept_data_goes(busy: bool) -> None:
    begun: list[str] = []
    forgotten: list[str] = []

    async def delete(app: str, kept: str) -> None:
        if busy:
            begun.append(app)  # an installation begins while what was kept is deleted

    async def forget(app: str) -> None:
        forgotten.append(app)

    operations = SimpleNamespace(
        refuse_if_busy=lambda _: None, working_on=lambda app: "operation" if app in begun else None
    )
    data = cast(Any, SimpleNamespace(forget_if_nothing_is_left=forget))
    kept = cast(Any, SimpleNamespace(delete=delete))
    service = DataService(cast(Any, None), kept, data, cast(Any, operations), DesiredState, lambda _: None)
    await service.delete_kept("wallet", "2026-11-29T08-40-00.123Z")
    assert forgotten == ([] if busy else ["wallet"])

"""Of which apps updates are installed by themselves, as the owner chose it, and what came of that."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from archipelago.api.automatic_updates import AutomaticUpdateView, UpdateHoursView
from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.automatic.decision import WINDOW, Window
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.automatic_updates import AutomaticUpdate, AutomaticUpdateRecords, UpdateHours
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import msg

_RECENT = timedelta(days=7)
_FACT, _HOURS = "automatic-updates", "automatic-update-hours"
"""Facts: `AutomaticUpdateRecords` and `UpdateHours`, as JSON."""


@dataclass(slots=True)
class AutomaticUpdateChoice:
    """Remembers it, and answers the methods about it. Raises `NodeError`."""

    state: State
    now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone()
    obstacles: dict[str, str] = field(default_factory=dict)
    """App -> why its update was not installed by itself, as the chore found it."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def all(self) -> dict[str, AutomaticUpdate]:
        """Return the apps for which it is switched on; what another version wrote, and cannot be read, is off."""
        records = await self.state.load_apps()
        found = (await self._load()).apps
        return {app: each for app, each in found.items() if _belongs(each, app, records)}

    async def set(self, app: str, *, on: bool) -> AutomaticUpdateView:
        """Switch it on or off for an installed app; what was tried before counts no longer."""
        async with self._turn:
            records = await self.state.load_apps()
            record = installed(records, app)
            found = await self._load()
            kept = {name: each for name, each in found.apps.items() if _belongs(each, name, records)}
            if on != (app in kept):
                chosen = AutomaticUpdate(installed_at=record.installed_at) if on else None
                found = AutomaticUpdateRecords(apps=kept).with_app(app, chosen)
                await self.state.set_fact(_FACT, found.model_dump_json())
                self.obstacles.pop(app, None)
        return await self.view(app)

    async def window(self) -> Window:
        """Return the hours; what another version wrote, and cannot be read, is the default."""
        try:
            found = UpdateHours.model_validate_json(await self.state.found_fact(_HOURS) or "{}")
        except ValidationError:
            return WINDOW
        return Window(found.start, found.end)

    async def hours(self) -> UpdateHoursView:
        """Return the hours, and what time it is here."""
        window = await self.window()
        return UpdateHoursView(from_hour=window.start, to_hour=window.end, now=self.now())

    async def set_hours(self, start: int, end: int) -> UpdateHoursView:
        """Choose the hours; those of an evening and a morning go over midnight."""
        if start == end:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("updates need at least one hour, and {hour}:00 to {hour}:00 is none", hour=start),
                hint=msg("name two different hours, such as 4 and 7; 23 and 3 go over midnight"),
            )
        await self.state.set_fact(_HOURS, UpdateHours(start=start, end=end).model_dump_json())
        return await self.hours()

    async def note(self, app: str, **changes: Any) -> None:
        """Write down what came of it; nothing where it was switched off meanwhile."""
        async with self._turn:
            found = await self._load()
            if (record := found.apps.get(app)) is not None:
                changed = found.with_app(app, record.model_copy(update=changes))
                await self.state.set_fact(_FACT, changed.model_dump_json())

    async def view(self, app: str) -> AutomaticUpdateView:
        """Return how it stands with an app."""
        return self._view(app, (await self.all()).get(app), await self.window())

    async def views(self) -> tuple[AutomaticUpdateView, ...]:
        """Return how it stands with each app for which it is switched on."""
        window = await self.window()
        return tuple(self._view(app, each, window) for app, each in sorted((await self.all()).items()))

    async def _load(self) -> AutomaticUpdateRecords:
        try:
            return AutomaticUpdateRecords.model_validate_json(await self.state.found_fact(_FACT) or "{}")
        except ValidationError:
            return AutomaticUpdateRecords()

    def _view(self, app: str, found: AutomaticUpdate | None, window: Window) -> AutomaticUpdateView:
        view = AutomaticUpdateView(app=app, on=found is not None, from_hour=window.start, to_hour=window.end)
        if found is None:
            return view
        told = {"obstacle": self.obstacles.get(app, ""), "tried": found.tried, "failed": bool(found.failure)}
        if not found.at:
            return view.model_copy(update=told)
        at = datetime.fromtimestamp(found.at, UTC)
        recent = abs(self.now() - at) < _RECENT
        return view.model_copy(update={**told, "before": found.before, "at": at, "recent": recent})


def _belongs(found: AutomaticUpdate, app: str, records: Any) -> bool:
    """Return whether a choice is about the installation that is there, and not about one that was removed."""
    return app in records and records[app].installed_at == found.installed_at

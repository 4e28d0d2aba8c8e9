"""Keeps which notices the owner has hidden."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from archipelago.api.apps import AppSummary
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.backups import TargetView
from archipelago.api.catalog import CatalogEntry
from archipelago.api.data import StreamView
from archipelago.api.health import WORKING
from archipelago.api.notice_channels import Channel
from archipelago.api.operations import Operation
from archipelago.api.security import UnconfirmedWords
from archipelago.api.system import Finding, Later, Notice
from archipelago.container.reconciler.restart_policy import HEALTHY_SPELL
from archipelago.container.reports.notices import Disk, Paused, notices, outlived, with_hidden
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.support.texts.text import msg
from archipelago.support.wall_spans import StoredSpans

_OPERATIONS = 200
_EXAMINED_FOR = 300.0
"""Seconds for which an examination of the host counts; it looks at many files."""
_SPANS = {Later.HOUR: 3600.0, Later.DAY: 86400.0, Later.WEEK: 7 * 86400.0}


class HiddenStore(Protocol):
    """Keeps which notices are hidden (`storage.stores.hidden_notices`)."""

    async def all(self) -> dict[str, Hidden]:
        """Return the hidden notices, by id."""
        ...

    async def hide(self, notice: str, hidden: Hidden) -> None:
        """Hide a notice."""
        ...

    async def show(self, *notices: str) -> None:
        """Show notices again."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where notices come from."""

    apps: Callable[[], Awaitable[tuple[AppSummary, ...]]]
    catalog: Callable[[], Awaitable[tuple[CatalogEntry, ...]]]
    operations: Callable[[int], Awaitable[tuple[Operation, ...]]]
    """Returns the newest ones."""
    disk: Callable[[], Awaitable[Disk]]
    paused: Callable[[], Paused]
    examine: Callable[[], Awaitable[tuple[Finding, ...]]]
    """Examines host and node."""
    channels: Callable[[], Awaitable[tuple[Channel, ...]]]
    """Returns the channels by which notices are sent."""
    backups: Callable[[], Awaitable[tuple[TargetView, ...]]]
    """Returns the targets of backups."""
    streams: Callable[[], Awaitable[tuple[StreamView, ...]]]
    """Returns how it stands with streamed files."""
    automatic: Callable[[], Awaitable[tuple[AutomaticUpdateView, ...]]]
    """Returns how it stands with apps that are updated by themselves."""
    words: Callable[[], Awaitable[tuple[UnconfirmedWords, ...]]]
    """Returns words that open money, and that nobody has shown to have on paper."""


@dataclass(slots=True)
class NoticeDesk:
    """Shows notices, puts them aside, and brings them back."""

    sources: Sources
    store: HiddenStore
    steady: Callable[[], float]
    """Seconds of a clock that never jumps."""
    changed: Callable[[str], Awaitable[object]]
    """Writes an event, so that pages that are open look again; takes what happened."""
    now: Callable[[], float]
    """Seconds since 1970; it may jump."""
    _findings: tuple[Finding, ...] = ()
    _examined: float | None = None
    _well_since: dict[str, float] = field(default_factory=dict)
    """App -> since when it has been seen to be well, without a break."""
    _examining: asyncio.Lock = field(default_factory=asyncio.Lock)
    _reminders: StoredSpans[str] = field(default_factory=StoredSpans)
    """Of hidden notices, until each is shown again."""

    async def list(self, *, examine: bool = False) -> tuple[Notice, ...]:
        """Return all notices, hidden ones marked so; `examine` looks at the host again first."""
        await self._look_at_host(again=examine)
        apps = await self.sources.apps()
        catalog = await self.sources.catalog()
        updates = {each.app: each.update_to for each in catalog if each.update_to is not None}
        names = {each.app: each.name for each in catalog}
        operations = await self.sources.operations(_OPERATIONS)
        channels = await self.sources.channels()
        disk, paused, targets = await self.sources.disk(), self.sources.paused(), await self.sources.backups()
        streams, automatic = await self.sources.streams(), await self.sources.automatic()
        found = notices(
            apps,
            operations,
            updates,
            disk,
            self._findings,
            names,
            channels,
            paused,
            targets,
            streams,
            automatic,
            await self.sources.words(),
        )
        hidden = await self.store.all()
        left = self._time_left(hidden)
        reminded = {key for key, seconds in left.items() if not seconds}
        if over := reminded.union(outlived(hidden, found, self._well(apps), _gone(hidden, apps))):
            await self.store.show(*over)
            hidden = {key: each for key, each in hidden.items() if key not in over}
        return tuple(self._with_time(each, left) for each in with_hidden(found, hidden))

    async def hide(self, notice: str, said: str | None, *, mute: bool) -> None:
        """Put a notice aside: until it says something else than `said`, or until it is brought back.

        `said` is what the owner has seen; without it, what it says now. Raises `NodeError`.
        """
        found = await self._find(notice)
        if mute and not found.may_mute:
            raise NodeError(
                ErrorCode.FORBIDDEN,
                msg("security is at stake, so this cannot be muted: {text}", text=found.text),
                hint=msg(
                    "acknowledge it: 'archipelago notices acknowledge {notice}'; it comes back when it changes",
                    notice=notice,
                ),
            )
        how = Hiding.MUTED if mute else Hiding.ACKNOWLEDGED
        await self.store.hide(notice, Hidden(how, said or found.said, self.now()))
        await self.changed("a notice was hidden")

    async def remind(self, notice: str, said: str | None, later: Later) -> None:
        """Put a notice aside for some time, or until it says something else than `said`. Raises `NodeError`."""
        found = await self._find(notice)
        now = self.now()
        await self.store.hide(notice, Hidden(Hiding.REMINDED, said or found.said, now, now + _SPANS[later]))
        await self.changed("a notice was hidden")

    async def show(self, notice: str) -> None:
        """Bring a notice back; one that is not hidden stays as it is."""
        await self.store.show(notice)
        await self.changed("a notice is shown again")

    async def _find(self, notice: str) -> Notice:
        found = next((each for each in await self.list() if each.id == notice), None)
        if found is None:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("there is no notice {notice}", notice=notice),
                hint=msg("'archipelago notices list' shows them"),
            )
        return found

    def _time_left(self, hidden: Mapping[str, Hidden]) -> Mapping[str, float]:
        """Return for each notice of which the owner wants to be reminded the seconds until then."""
        spans = {key: (each.at, each.until) for key, each in hidden.items() if each.until is not None}
        return self._reminders.left(spans, self.now(), self.steady())

    def _with_time(self, notice: Notice, left: Mapping[str, float]) -> Notice:
        if notice.hidden is not Hiding.REMINDED:
            return notice
        until = datetime.fromtimestamp(self.now() + left[notice.id], UTC)
        return notice.model_copy(update={"hidden_until": until})

    async def _look_at_host(self, *, again: bool) -> None:
        asked = self.steady()
        async with self._examining:
            age = None if self._examined is None else self.steady() - self._examined
            # Whoever waited for an examination that started after he asked needs none of his own.
            if age is None or age >= _EXAMINED_FOR or (again and self._examined is not None and self._examined < asked):
                begun = self.steady()
                self._findings, self._examined = await self.sources.examine(), begun

    def _well(self, apps: tuple[AppSummary, ...]) -> frozenset[str]:
        """Return the apps that have been well for as long as it takes until their restarts are forgotten."""
        now = self.steady()
        self._well_since = {each.app: self._well_since.get(each.app, now) for each in apps if each.state in WORKING}
        return frozenset(app for app, since in self._well_since.items() if now - since >= HEALTHY_SPELL)


def _gone(hidden: dict[str, Hidden], apps: tuple[AppSummary, ...]) -> frozenset[str]:
    """Return the apps that have a hidden notice and ought not to run or are not installed."""
    wanted = {each.app for each in apps if each.desired is Desired.RUNNING}
    return frozenset(key.partition(":")[2] for key in hidden) - wanted

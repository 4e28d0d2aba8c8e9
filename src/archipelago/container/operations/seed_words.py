"""Words that open money: which of them their owner has not shown to have on paper, and how he shows it."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from archipelago.api.security import UnconfirmedWords
from archipelago.container.data.data_classes import funds_volumes
from archipelago.container.desired.installed_apps import installed
from archipelago.container.desired.state import DesiredApp
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.guessing.backoff import Backoff
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg

FEWEST = 3
"""Words that show that somebody has all of them."""


@dataclass(frozen=True, slots=True)
class SeedWords:
    """Asks owners for the words of their apps. Every refusal is a `NodeError`, and says nothing of a word."""

    secrets: SecretsManager
    apps: Callable[[], Mapping[str, DesiredApp]]
    changed: Callable[[str, str], Awaitable[object]]
    """Writes an event; takes the app, and what happened."""
    steady: Callable[[], float]
    """Seconds of a clock that never jumps."""
    _tries: Backoff = field(default_factory=Backoff)

    async def confirm_words(self, app: str, name: str, words: Mapping[int, str]) -> None:
        """Note that the owner has the words of a secret on paper, of which he gives some by their places (from 1)."""
        record = installed(self.apps(), app).record
        count = _count(record, name)
        if len(words) < FEWEST or not all(1 <= place <= count for place in words):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg(
                    "at least {fewest} of the words are asked for, by places from 1 to {count}",
                    fewest=FEWEST,
                    count=count,
                ),
                hint=msg("'archipelago secret confirm {app} {name}' asks for them", app=app, name=name),
            )
        lane, now = f"{app} {name}", self.steady()
        if (wait := self._tries.wait(lane, now)) > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("too many attempts: wait {wait} s", wait=f"{wait:.0f}"),
                hint=msg("'archipelago secret show {app} {name}' shows the words", app=app, name=name),
                data={"retry_after": round(wait, 1)},
            )
        # Before it is looked at: attempts at the same time count each.
        self._tries.fail(lane, now)
        if not await asyncio.to_thread(self._are_right, app, name, words):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("these are not the words at these places"),
                hint=msg("compare the paper with 'archipelago secret show {app} {name}'", app=app, name=name),
            )
        self._tries.forget(lane)
        await asyncio.to_thread(self.secrets.confirm, app, name)
        await self.changed(app, msg("the words of {app} are confirmed", app=app))

    async def unconfirmed(self) -> tuple[UnconfirmedWords, ...]:
        """Return the words that nobody has confirmed yet, of apps with keys to money."""
        records = [found.record for found in self.apps().values()]
        return await asyncio.to_thread(lambda: tuple(each for one in records for each in self._unconfirmed(one)))

    def _unconfirmed(self, record: AppRecord) -> list[UnconfirmedWords]:
        manifest, found = record.package.manifest, []
        names = {name: each.kind.words for name, each in manifest.secrets.items() if each.kind.words is not None}
        for name, count in names.items() if funds_volumes(record) else ():
            with suppress(NodeError):  # it cannot be read, which the app's own health says
                secret = self.secrets.get(record.app, name)
                if secret is not None and not secret.confirmed:
                    found.append(UnconfirmedWords(app=record.app, name=manifest.name, secret=name, words=count))
        return found

    def _are_right(self, app: str, name: str, words: Mapping[int, str]) -> bool:
        found = self.secrets.get(app, name)
        if found is None:
            return False
        kept = found.reveal().split()
        places = sorted(words)
        wanted = " ".join(kept[place - 1] for place in places)
        given = " ".join(words[place].strip().lower() for place in places)
        # A text from outside may hold surrogates, which strict UTF-8 refuses.
        return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogatepass"))


def _count(record: AppRecord, name: str) -> int:
    declared = record.package.manifest.secrets.get(name)
    if declared is None or declared.kind.words is None:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{app} has no secret {name} that is made of words", app=record.app, name=f"{name[:60]!r}"),
            hint=msg("'archipelago secret list {app}' shows which is", app=record.app),
        )
    return declared.kind.words

"""The channels by which notices are sent, what they were sent, and what waits."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.notice_channels import Announced, ChannelRecord, QueuedMessage
from archipelago.storage.stores.rows import insert, upsert


class NoticeChannels:
    """Reads and writes them; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[ChannelRecord, ...]:
        """Return the channels, the oldest first."""
        rows = await self._database.rows("SELECT * FROM notice_channels ORDER BY created_at, id")
        return tuple(ChannelRecord(**{**row, "resolved": bool(row["resolved"])}) for row in rows)

    async def save(self, channel: ChannelRecord) -> None:
        """Write a channel; what waits for it is tried at once."""

        def work(connection: Connection) -> None:
            upsert(connection, "notice_channels", asdict(channel))
            connection.execute("UPDATE notice_messages SET next_at = 0, tried_at = 0 WHERE channel = ?", (channel.id,))

        await self._database.run(work)

    async def remove(self, channel: str) -> bool:
        """Remove a channel with all that waits for it; return whether it was there."""

        def work(connection: Connection) -> bool:
            connection.execute("DELETE FROM notice_messages WHERE channel = ?", (channel,))
            connection.execute("DELETE FROM announced_notices WHERE channel = ?", (channel,))
            return connection.execute("DELETE FROM notice_channels WHERE id = ?", (channel,)).rowcount > 0

        return await self._database.run(work)

    async def announced(self, channel: str) -> dict[str, Announced]:
        """Return of which notices a message was written, by the id of the notice."""
        rows = await self._database.rows("SELECT * FROM announced_notices WHERE channel = ?", channel)
        return {row["notice"]: Announced(row["level"], row["app"], row["text"]) for row in rows}

    async def queue(
        self, channel: str, content: str | None, raised: Mapping[str, Announced], forgotten: Iterable[str], now: float
    ) -> None:
        """Queue a message, and write down what it announces: both, or neither.

        Nothing is written for a channel that was removed.
        """
        gone = json.dumps(tuple(forgotten))

        def work(connection: Connection) -> None:
            if connection.execute("SELECT 1 FROM notice_channels WHERE id = ?", (channel,)).fetchone() is None:
                return
            forget = "DELETE FROM announced_notices WHERE channel = ? AND notice IN (SELECT value FROM json_each(?))"
            connection.execute(forget, (channel, gone))
            for notice, each in raised.items():
                upsert(connection, "announced_notices", {"channel": channel, "notice": notice, **asdict(each)})
            if content is not None:
                row = {"channel": channel, "content": content, "attempts": 0, "tried_at": now, "next_at": now}
                insert(connection, "notice_messages", row)

        await self._database.run(work)

    async def waiting(self) -> dict[str, int]:
        """Return how many messages wait, by channel."""
        rows = await self._database.rows("SELECT channel, count(*) FROM notice_messages GROUP BY channel")
        return dict(tuple(row) for row in rows)

    async def heads(self) -> tuple[QueuedMessage, ...]:
        """Return the oldest message of each channel: they are sent in order."""
        oldest = "SELECT min(number) FROM notice_messages GROUP BY channel"
        rows = await self._database.rows(f"SELECT * FROM notice_messages WHERE number IN ({oldest})")  # noqa: S608
        return tuple(QueuedMessage(**row) for row in rows)

    async def sent(self, channel: str, number: int | None, now: float) -> None:
        """Write down that a message has reached its channel, which works; None for a test."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM notice_messages WHERE number = ?", (number,))
            works = "UPDATE notice_channels SET sent_at = ?, failures = 0, failure = '' WHERE id = ?"
            connection.execute(works, (now, channel))

        await self._database.run(work)

    async def failed(self, message: QueuedMessage, why: str, now: float, next_at: float | None) -> None:
        """Write down that an attempt has failed; None for `next_at` gives the message up.

        What was announced is forgotten then, so that what still needs the owner is announced again.
        """

        def work(connection: Connection) -> None:
            if next_at is None:
                connection.execute("DELETE FROM notice_messages WHERE number = ?", (message.number,))
                connection.execute("DELETE FROM announced_notices WHERE channel = ?", (message.channel,))
            else:
                later = "UPDATE notice_messages SET attempts = ?, tried_at = ?, next_at = ? WHERE number = ?"
                connection.execute(later, (message.attempts + 1, now, next_at, message.number))
            fails = "UPDATE notice_channels SET failures = failures + 1, failure = ? WHERE id = ?"
            connection.execute(fails, (why, message.channel))

        await self._database.run(work)

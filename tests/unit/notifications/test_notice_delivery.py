"""Messages to the owner survive restarts and failures, each arrives once, and channels keep their secrets."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archipelago.api.notice_channels import Channel, ChannelSettings, Least, NtfyTarget, WebhookTarget
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.errors import ErrorCode, NodeError
from archipelago.notifications import courier as courier_module
from archipelago.notifications.carrier import Carrier
from archipelago.notifications.channels import ChannelDesk
from archipelago.notifications.courier import Courier
from archipelago.notifications.news import NoticePace
from archipelago.notifications.notifier import Notifier
from archipelago.notifications.watcher import Watcher
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.database import Database
from archipelago.storage.records.notice_channels import Announced, ChannelRecord
from archipelago.storage.records.notices import Hiding
from archipelago.storage.stores.notice_channels import NoticeChannels
from archipelago.support.texts.text import Text
from archipelago.support.texts.translation import Language
from support.tiny_receivers import HttpReceiver, http_receiver, make_certificate

SECRET = "tk_0123456789abcdefghij"


def notice(key: str = "app:knots", level: Severity = Severity.WARNING) -> Notice:
    return Notice(
        id=key, said="0" * 16, level=level, kind=NoticeKind.APP, cause=key, name="Knots", text=f"{key} is down"
    )


@dataclass
class Scene:
    """A node that has nothing but notices, and its owner's server."""

    database: Database
    secrets: SecretsManager
    server: HttpReceiver
    trust: object
    wall: float = 1_800_000_000.0
    steady: float = 1000.0
    notices: list[Notice] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    looks: int = 0
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self.new_life()

    @property
    def store(self) -> NoticeChannels:
        return NoticeChannels(self.database)

    @property
    def desk(self) -> ChannelDesk:
        return self.notifier.desk

    def new_life(self) -> None:
        """Build what sends, as a start of the node does."""
        carrier = Carrier(self.secrets, self.secrets.redactor, self.trust)  # type: ignore[arg-type]

        async def changed(what: str) -> None:
            self.events.append(what)

        clocks = Clocks(lambda: self.wall, lambda: self.steady)
        courier = Courier(self.store, carrier, clocks, changed)
        watcher = Watcher(self.store, str, clocks, courier.wake, NoticePace(settle=60, calm=600, look=3600))

        def wake() -> None:
            watcher.wake()
            courier.wake()

        self.notifier = Notifier(ChannelDesk(self.store, carrier, str, lambda: self.wall, wake), watcher, courier)

    async def found(self) -> tuple[Notice, ...]:
        self.looks += 1
        return tuple(self.notices)

    async def look(self, *, after: float = 0.0) -> None:
        """Look at the notices, some time after the last look."""
        self.spend(after)
        await self.notifier.watcher.look(self.found)

    def spend(self, seconds: float) -> None:
        """Let time pass."""
        self.steady += seconds
        self.wall += seconds

    @contextlib.asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Deliver meanwhile, and stop as an orderly end of the node does."""
        run = asyncio.create_task(self.notifier.courier.run())
        try:
            yield
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await self.notifier.courier.close()

    async def until_sent(self) -> None:
        """Return once nothing waits."""
        while await self.store.heads():
            await asyncio.sleep(0.01)

    async def attempts(self, count: int) -> None:
        """Return once the message that waits was tried so often."""
        while True:
            heads = await self.store.heads()
            if heads and heads[0].attempts >= count:
                return
            await asyncio.sleep(0.01)

    async def add(self, secret: str | None = None, **more: object) -> Channel:
        """Add a webhook."""
        target = WebhookTarget(kind="webhook", url=self.server.url)
        settings = ChannelSettings.model_validate({"name": "phone", "target": target, **more})
        return await self.desk.save(None, settings, secret)

    async def queue_one(self) -> Channel:
        """Add a webhook, for which one message about one notice waits."""
        added = await self.add()
        self.notices = [notice()]
        await self.look()
        await self.look(after=60)
        return added


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    certificate = make_certificate(tmp_path)
    database = await Database(tmp_path / "state.db").open()
    async with http_receiver(certificate) as server:
        yield Scene(database, SecretsManager(tmp_path / "apps", tmp_path / "node.key"), server, certificate.trust)
    await database.close()


async def test_a_notice_arrives_once_also_across_restarts_and_when_it_is_gone(scene: Scene) -> None:
    await scene.add()
    scene.notices = [notice(), notice("app:lnd", Severity.ERROR), notice("update:x", Severity.NOTE)]
    await scene.look()
    await scene.look(after=59)
    assert await scene.store.heads() == (), "it may be over in a moment"
    await scene.look(after=1)
    scene.new_life()  # with a message that waits
    async with scene.delivering():
        await scene.until_sent()
    assert [[item["text"] for item in body["items"]] for body in scene.server.bodies] == [
        ["app:lnd is down", "app:knots is down"]
    ]
    for _ in range(3):
        scene.new_life()
        await scene.look()
        await scene.look(after=120)
    assert await scene.store.heads() == ()
    scene.notices = []
    await scene.look()
    await scene.look(after=599)
    assert await scene.store.heads() == ()
    await scene.look(after=1)
    async with scene.delivering():
        await scene.until_sent()
    body = scene.server.bodies[1]
    assert {item["state"] for item in body["items"]} == {"resolved"} and body["level"] == "note"
    await scene.look(after=6000)
    assert await scene.store.heads() == ()


async def test_a_channel_says_only_what_the_owner_wants(scene: Scene) -> None:
    await scene.add(least=Least.ERROR, resolved=False)
    scene.notices = [notice(), notice("app:lnd", Severity.ERROR).model_copy(update={"hidden": Hiding.MUTED})]
    await scene.look()
    await scene.look(after=60)
    assert await scene.store.heads() == ()
    scene.notices = [notice("app:lnd", Severity.ERROR)]
    await scene.look()
    (waiting,) = await scene.store.heads()
    assert "app:lnd is down" in waiting.content and "app:knots" not in waiting.content
    scene.notices = []
    await scene.look()
    await scene.look(after=600)
    assert await scene.store.waiting() == {waiting.channel: 1}, "that it is over is not sent"
    scene.notices = [notice("app:lnd", Severity.ERROR)]
    await scene.look()
    await scene.look(after=60)
    assert await scene.store.waiting() == {waiting.channel: 2}, "it is a new problem"


async def test_failures_are_tried_again_ever_more_seldom_and_the_same_message_is_known_by_its_id(scene: Scene) -> None:
    added = await scene.queue_one()
    scene.server.statuses = [500, 503, 429]
    for attempt, wait in ((1, 30), (2, 60), (3, 120)):
        async with scene.delivering():
            await scene.attempts(attempt)
        (shown,) = await scene.desk.list()
        assert (shown.failures, shown.waiting) == (attempt, 1) and "status" in shown.problem
        assert shown.messages["problem"].key == "the server answered with status {status}"
        async with scene.delivering():
            scene.spend(wait - 1)
            scene.notifier.courier.wake()
            await asyncio.sleep(0.05)
        assert len(scene.server.requests) == attempt, "it is not time yet"
        scene.spend(1)
        scene.new_life()
    async with scene.delivering():
        await scene.until_sent()
    assert len({headers["Idempotency-Key"] for _, headers, _ in scene.server.requests}) == 1
    (shown,) = await scene.desk.list()
    assert (shown.id, shown.failures, shown.problem, shown.waiting) == (added.id, 0, "", 0)
    assert shown.sent_at is not None and shown.sent_at.timestamp() == scene.wall
    assert scene.events == ["a message did not arrive"] * 3 + ["a message to the owner was sent"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_is_set_back_delays_no_message(scene: Scene, restarted: bool) -> None:
    await scene.queue_one()
    scene.server.statuses = [500]
    async with scene.delivering():
        await scene.attempts(1)
    scene.wall -= 10 * 365 * 86400
    if restarted:
        scene.new_life()
    async with scene.delivering(), asyncio.timeout(20):
        while await scene.store.heads():
            scene.spend(10)
            scene.notifier.courier.wake()
            await asyncio.sleep(0.01)
    assert len(scene.server.requests) == 2


async def test_a_channel_that_is_saved_again_is_tried_at_once(scene: Scene) -> None:
    added = await scene.queue_one()
    scene.server.statuses = [500]
    async with scene.delivering():
        await scene.attempts(1)
        await scene.desk.save(added.id, added.settings, None)
        await scene.until_sent()


async def test_what_is_given_up_is_announced_again_while_it_lasts(scene: Scene) -> None:
    await scene.queue_one()
    (waiting,) = await scene.store.heads()
    await scene.store.failed(dataclasses.replace(waiting, attempts=29), "no answer", scene.wall, None)
    assert await scene.store.heads() == ()
    await scene.look()
    (again,) = await scene.store.heads()
    assert again.number != waiting.number and "app:knots is down" in again.content


async def test_what_has_arrived_is_not_sent_again_while_the_disk_takes_no_note_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.queue_one()
    monkeypatch.setattr(courier_module, "_GRACE", 0.01)
    tries = 0
    sent = NoticeChannels.sent

    async def locked(self: NoticeChannels, channel: str, number: int | None, now: float) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise NodeError(ErrorCode.INTERNAL, "the database is locked")
        await sent(self, channel, number, now)

    monkeypatch.setattr(NoticeChannels, "sent", locked)
    async with scene.delivering():
        await scene.until_sent()
    assert tries == 4 and len(scene.server.requests) == 1


async def test_a_message_that_arrives_while_others_are_looked_for_is_not_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.queue_one()
    every, sent = NoticeChannels.all, NoticeChannels.sent
    looks, found_again, arrived, looked_again = 0, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def all_channels(self: NoticeChannels) -> tuple[ChannelRecord, ...]:
        nonlocal looks
        looks += 1
        if looks == 1:
            scene.notifier.courier.wake()
            return await every(self)
        found_again.set()
        await arrived.wait()
        channels = await every(self)
        looked_again.set()
        return channels

    async def sent_once_it_was_found_again(self: NoticeChannels, channel: str, number: int | None, now: float) -> None:
        await found_again.wait()
        await sent(self, channel, number, now)
        arrived.set()

    monkeypatch.setattr(NoticeChannels, "all", all_channels)
    monkeypatch.setattr(NoticeChannels, "sent", sent_once_it_was_found_again)
    async with scene.delivering():
        await looked_again.wait()
    assert len(scene.server.requests) == 1


async def test_a_server_that_never_answers_delays_no_other_channel(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "_GRACE", 0.01)
    await scene.add()
    async with http_receiver(make_certificate(tmp_path)) as other:
        # Its certificate is the one that is trusted from now on, so the first server is not reached either.
        other.silent = True
        await scene.desk.save(
            None, ChannelSettings(name="silent", target=WebhookTarget(kind="webhook", url=other.url)), None
        )
        scene.notices = [notice()]
        await scene.look()
        await scene.look(after=60)
        async with scene.delivering():
            await other.wait_for(1)
            heads = {each.channel: each for each in await scene.store.heads()}
            assert len(heads) == 2
            while not any(each.attempts for each in await scene.store.heads()):
                await asyncio.sleep(0.01)
        assert sorted(each.attempts for each in await scene.store.heads()) == [0, 1], (
            "its end is known before the other's"
        )


async def test_a_burst_is_one_message_and_a_dead_channel_collects_few(scene: Scene) -> None:
    added = await scene.add()
    scene.notices = [notice(f"app:a{number}") for number in range(40)]
    await scene.look()
    await scene.look(after=60)
    assert await scene.store.waiting() == {added.id: 1}
    for number in range(40):
        scene.notices.append(notice(f"app:b{number}"))
        await scene.look()
        await scene.look(after=60)
    assert await scene.store.waiting() == {added.id: 20}
    await scene.desk.remove(added.id)
    assert await scene.store.waiting() == {} and await scene.store.announced(added.id) == {}
    with pytest.raises(NodeError, match="there is no channel"):
        await scene.desk.remove(added.id)


async def test_a_node_without_channels_looks_at_nothing(scene: Scene) -> None:
    scene.notifier.start(scene.found)
    await asyncio.sleep(0.05)
    assert scene.looks == 0
    await scene.add()
    while not scene.looks:
        await asyncio.sleep(0.01)
    await scene.notifier.close()


async def test_a_message_is_in_the_language_of_its_channel_also_when_it_is_about_the_past(scene: Scene) -> None:
    german, english = await scene.add(language=Language.DE), await scene.add()
    assert (german.settings.language, english.settings.language) == (Language.DE, Language.EN)
    text = Text("{app} does not run as it should", {"app": "Knots"})
    scene.notices = [notice().model_copy(update={"text": text})]
    await scene.look()
    await scene.look(after=60)
    scene.new_life()
    scene.notices = []
    await scene.look()
    await scene.look(after=600)
    async with scene.delivering():
        await scene.until_sent()
    titles: dict[str, list[str]] = {language: [] for language in ("de", "en")}
    for body in scene.server.bodies:
        titles[body["language"]].append(body["title"])
        assert body["items"][0]["messages"]["text"]["key"] == text.key
    assert titles == {
        "de": ["Warnung: Knots läuft nicht richtig", "Behoben: Knots läuft nicht richtig"],
        "en": ["Warning: Knots does not run as it should", "Resolved: Knots does not run as it should"],
    }
    await scene.desk.test(german.id)
    assert scene.server.bodies[-1]["title"] == "Test: Hinweise deines Knotens kommen hier an"


async def test_what_an_earlier_version_queued_and_announced_is_sent_in_english(scene: Scene) -> None:
    added = await scene.add(language=Language.DE)
    item = '{"state": "new", "level": "warning", "app": "Knots", "text": "Knots is down", "consequence": "it stays"}'
    content = f'{{"id": "a", "at": 1.0, "items": [{item}], "more": 0, "page": ""}}'
    raised = {"app:knots": Announced("warning", "Knots", "Knots is down")}
    await scene.store.queue(added.id, content, raised, (), scene.wall)
    await scene.look()
    await scene.look(after=600)
    async with scene.delivering():
        await scene.until_sent()
    titles = [body["title"] for body in scene.server.bodies]
    assert titles == ["Warnung: Knots is down", "Behoben: Knots is down"]


async def test_a_test_says_at_once_whether_it_arrives(scene: Scene) -> None:
    added = await scene.add(SECRET)
    tested = await scene.desk.test(added.id)
    assert scene.server.bodies[0]["items"] == [] and "Test" in scene.server.bodies[0]["title"]
    assert tested.sent_at is not None
    scene.server.statuses = [404]
    with pytest.raises(NodeError, match="the test has not arrived: the server answered with status 404"):
        await scene.desk.test(added.id)
    with pytest.raises(NodeError, match="there is no channel"):
        await scene.desk.test("0" * 16)


async def test_secrets_are_sealed_redacted_and_never_shown(scene: Scene, tmp_path: Path) -> None:
    target = NtfyTarget(kind="ntfy", server=scene.server.url, topic="node")
    added = await scene.desk.save(None, ChannelSettings(name="ntfy", target=target), SECRET)
    assert added.secret_set and SECRET not in added.model_dump_json()
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.glob("state.db*"))
    scene.notices = [notice().model_copy(update={"text": f"the token is {SECRET}", "consequence": SECRET})]
    await scene.look()
    await scene.look(after=60)
    scene.new_life()
    async with scene.delivering():
        await scene.until_sent()
    _, headers, body = scene.server.requests[0]
    assert headers["Authorization"] == f"Bearer {SECRET}" and SECRET.encode() not in body


async def test_a_secret_is_not_sent_to_another_server(scene: Scene) -> None:
    target = NtfyTarget(kind="ntfy", server=scene.server.url, topic="node")
    added = await scene.desk.save(None, ChannelSettings(name="ntfy", target=target), SECRET)
    renamed = added.settings.model_copy(update={"name": "phone", "target": target.model_copy(update={"topic": "x"})})
    assert (await scene.desk.save(added.id, renamed, None)).secret_set
    thief = ChannelSettings(name="ntfy", target=NtfyTarget(kind="ntfy", server="https://evil.example", topic="node"))
    with pytest.raises(NodeError, match="not sent to another server") as refused:
        await scene.desk.save(added.id, thief, None)
    assert "again" in refused.value.hint
    assert not (await scene.desk.save(added.id, thief, "")).secret_set
    for wrong in ("two words", "ünïcode", "a\r\nX: y"):
        with pytest.raises(NodeError, match="no access token"):
            await scene.desk.save(None, renamed, wrong)


async def test_there_are_ten_channels_at_most(scene: Scene) -> None:
    for _ in range(10):
        await scene.add()
    with pytest.raises(NodeError, match="10 channels already"):
        await scene.add()
    found = await scene.desk.list()
    assert len(found) == 10
    await scene.desk.save(found[0].id, found[0].settings, None)

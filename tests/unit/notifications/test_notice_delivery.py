"""Messages to the owner survive restarts and failures, each arrives once, and channels keep their secrets."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.api.notice_channels import ChannelSettings, Least, WebhookTarget
from archipelago.api.system import Severity
from archipelago.errors import ErrorCode, NodeError
from archipelago.notifications import courier as courier_module
from archipelago.storage.records.notice_channels import ChannelRecord
from archipelago.storage.records.notices import Hiding
from archipelago.storage.stores.notice_channels import NoticeChannels
from support.notice_scene import NoticeScene, notice, notice_scene
from support.tiny_receivers import http_receiver, make_certificate


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[NoticeScene]:
    async with notice_scene(tmp_path) as scene:
        yield scene


async def test_a_notice_arrives_once_also_across_restarts_and_when_it_is_gone(scene: NoticeScene) -> None:
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


async def test_a_channel_says_only_what_the_owner_wants(scene: NoticeScene) -> None:
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


async def test_failures_are_tried_again_ever_more_seldom_and_the_same_message_is_known_by_its_id(
    scene: NoticeScene,
) -> None:
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
async def test_a_clock_that_is_set_back_delays_no_message(scene: NoticeScene, restarted: bool) -> None:
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


async def test_a_channel_that_is_saved_again_is_tried_at_once(scene: NoticeScene) -> None:
    added = await scene.queue_one()
    scene.server.statuses = [500]
    async with scene.delivering():
        await scene.attempts(1)
        await scene.desk.save(added.id, added.settings, None)
        await scene.until_sent()


async def test_what_is_given_up_is_announced_again_while_it_lasts(scene: NoticeScene) -> None:
    await scene.queue_one()
    (waiting,) = await scene.store.heads()
    await scene.store.failed(dataclasses.replace(waiting, attempts=29), "no answer", scene.wall, None)
    assert await scene.store.heads() == ()
    await scene.look()
    (again,) = await scene.store.heads()
    assert again.number != waiting.number and "app:knots is down" in again.content


async def test_what_has_arrived_is_not_sent_again_while_the_disk_takes_no_note_of_it(
    scene: NoticeScene, monkeypatch: pytest.MonkeyPatch
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
    scene: NoticeScene, monkeypatch: pytest.MonkeyPatch
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
    scene: NoticeScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


async def test_a_burst_is_one_message_and_a_dead_channel_collects_few(scene: NoticeScene) -> None:
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


async def test_a_node_without_channels_looks_at_nothing(scene: NoticeScene) -> None:
    scene.notifier.start(scene.found)
    await asyncio.sleep(0.05)
    assert scene.looks == 0
    await scene.add()
    while not scene.looks:
        await asyncio.sleep(0.01)
    await scene.notifier.close()

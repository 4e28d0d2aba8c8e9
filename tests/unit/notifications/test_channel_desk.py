"""Channels to the owner: their language, their secrets, their test, and how many there are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.api.notice_channels import ChannelSettings, NtfyTarget
from archipelago.errors import NodeError
from archipelago.storage.records.notice_channels import Announced
from archipelago.support.texts.text import Text
from archipelago.support.texts.translation import Language
from support.notice_scene import NoticeScene, notice, notice_scene

SECRET = "tk_0123456789abcdefghij"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[NoticeScene]:
    async with notice_scene(tmp_path) as scene:
        yield scene


async def test_a_message_is_in_the_language_of_its_channel_also_when_it_is_about_the_past(scene: NoticeScene) -> None:
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


async def test_what_an_earlier_version_queued_and_announced_is_sent_in_english(scene: NoticeScene) -> None:
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


async def test_a_test_says_at_once_whether_it_arrives(scene: NoticeScene) -> None:
    added = await scene.add(SECRET)
    tested = await scene.desk.test(added.id)
    assert scene.server.bodies[0]["items"] == [] and "Test" in scene.server.bodies[0]["title"]
    assert tested.sent_at is not None
    scene.server.statuses = [404]
    with pytest.raises(NodeError, match="the test has not arrived: the server answered with status 404"):
        await scene.desk.test(added.id)
    with pytest.raises(NodeError, match="there is no channel"):
        await scene.desk.test("0" * 16)


async def test_secrets_are_sealed_redacted_and_never_shown(scene: NoticeScene, tmp_path: Path) -> None:
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


async def test_a_secret_is_not_sent_to_another_server(scene: NoticeScene) -> None:
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


async def test_there_are_ten_channels_at_most(scene: NoticeScene) -> None:
    for _ in range(10):
        await scene.add()
    with pytest.raises(NodeError, match="10 channels already"):
        await scene.add()
    found = await scene.desk.list()
    assert len(found) == 10
    await scene.desk.save(found[0].id, found[0].settings, None)

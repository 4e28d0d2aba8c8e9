"""What a channel is sent, over all histories: each notice once, and nothing that is hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.notifications.message import announcement, compose, one_line
from archipelago.notifications.news import NoticePace, SeenNotice, news
from archipelago.notifications.retries import pause
from archipelago.notifications.stored_texts import stored_text, text_to_store
from archipelago.notifications.wording import worded
from archipelago.storage.records.notice_channels import Announced
from archipelago.storage.records.notices import Hiding
from archipelago.support.texts.text import Text, msg
from archipelago.support.texts.translation import Language

PACE = NoticePace(settle=60, calm=600)
RANKS = list(Severity)
LEVELS = st.sampled_from((Severity.NOTE, Severity.WARNING, Severity.ERROR))
KEYS = ("app:a", "app:b", "disk:data", "channel:c1")


def notice(key: str, level: Severity = Severity.WARNING, hidden: Hiding | None = None) -> Notice:
    return Notice(
        id=key,
        said="0" * 16,
        level=level,
        kind=NoticeKind.APP,
        cause=key,
        name="Knots",
        text=f"{key} has a problem",
        consequence="it stays",
        hidden=hidden,
    )


notices = st.builds(notice, st.sampled_from(KEYS), LEVELS, st.none() | st.sampled_from(Hiding))
worlds = st.lists(notices, unique_by=lambda one: one.id, max_size=4)
rounds = st.lists(st.tuples(worlds, st.floats(0, 900)), max_size=12)


@given(rounds, LEVELS)
def test_a_notice_is_sent_once_at_each_level_while_it_lasts(
    history: list[tuple[list[Notice], float]], least: Severity
) -> None:
    announced: dict[str, Announced] = {}
    since: dict[str, float] = {}
    gone: dict[str, float] = {}
    now = 0.0
    for world, passed in history:
        now += passed
        since = {one.id: since.get(one.id, now) for one in world}
        sights = [SeenNotice(one, now - since[one.id]) for one in world]
        absent = {key: now - gone.get(key, now) for key in announced if key not in since}
        found = news("c1", least, announced, sights, absent, PACE)
        for one in found.raised:
            assert one.hidden is None and RANKS.index(one.level) >= RANKS.index(least) and one.id != "channel:c1"
            assert now - since[one.id] >= PACE.settle
            before = announced.get(one.id)
            assert before is None or RANKS.index(Severity(before.level)) < RANKS.index(one.level)
        for one in found.resolved:
            assert one in announced.values()
        for key in found.forgotten:
            del announced[key]
        announced |= {one.id: announcement(one) for one in found.raised}
        assert not {one.id for one in world if one.hidden is not None} & announced.keys()
        again = news("c1", least, announced, sights, absent, PACE)
        assert not again.raised and not again.resolved and not again.forgotten
        gone = {key: gone.get(key, now) for key in announced if key not in since}


def test_what_comes_and_goes_is_sent_once_and_resolved_once_it_is_calm() -> None:
    announced = {"app:a": announcement(notice("app:a"))}
    assert not news("c1", Severity.NOTE, {}, [SeenNotice(notice("app:a"), 59)], {}, PACE)
    assert not news("c1", Severity.NOTE, announced, [], {"app:a": 599}, PACE)
    assert news("c1", Severity.NOTE, announced, [], {"app:a": 600}, PACE).resolved == (announced["app:a"],)
    graver = SeenNotice(notice("app:a", Severity.ERROR), 60)
    assert [one.id for one in news("c1", Severity.NOTE, announced, [graver], {}, PACE).raised] == ["app:a"]


@given(st.text())
def test_a_line_is_a_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 300 and line == line.strip() and len(line.splitlines()) <= 1
    assert not set(line) & set("\r\n\t\0\x1b\x85\u2028\u2029\u202e\u2066\u200b")
    line.encode()


@given(st.lists(notices, max_size=60))
def test_a_message_has_a_limited_size_and_counts_the_rest(found: list[Notice]) -> None:
    message = compose("id", 1.0, found, (), "")
    assert len(message.items) <= 10 and len(message.items) + message.more == len(found)
    english = worded(message, Language.EN, {})
    assert len(english.text) < 10 * 2 * 700 and len(english.title.splitlines()) == 1
    levels = [RANKS.index(item.level) for item in message.items]
    assert levels == sorted(levels, reverse=True)


@given(st.text())
def test_why_a_message_failed_is_stored_with_what_it_was_made_of(name: str) -> None:
    inner = msg("the server answered with status {status}", status=name)
    for text in (inner, msg("the server cannot be reached: {reason}", reason=inner), msg("no answer in time")):
        read = stored_text(text_to_store(text))
        assert isinstance(read, Text) and read == text and read.key == text.key
    plain = stored_text(text_to_store(name))
    assert plain == name or not isinstance(plain, Text)


@pytest.mark.parametrize("stored", ["", "{", "{}", '{"key": "x {y}", "parameters": {}}', "[]", "null", "a text"])
def test_what_another_version_stored_stays_as_it_is(stored: str) -> None:
    assert stored_text(stored) == stored


def test_attempts_come_ever_more_seldom_and_end_after_a_day() -> None:
    pauses = [each for number in range(1, 40) if (each := pause(number)) is not None]
    assert pauses == sorted(pauses) and pauses[0] == 30 and pauses[-1] == 3600
    assert 86400 < sum(pauses) < 1.5 * 86400

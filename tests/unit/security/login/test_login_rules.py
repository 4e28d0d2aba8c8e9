"""Who is let in: passwords, second factors, sessions, tokens, with a real database and a clock of our own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.credentials.codes import new_code, new_totp_secret, same_code, totp_step
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.guessing.backoff import Backoff, network_of
from archipelago.security.login.guessing.marks import Device
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.redactor import Redactor
from archipelago.storage.records.logins import Logins
from archipelago.storage.records.permissions import PERMISSIONS, TOKEN_PERMISSIONS, Permission, Role
from archipelago.storage.stores.accounts import AccountStore
from support.databases import new_database
from support.examples import examples
from support.login_world import LIFETIMES, PASSWORD, World
from support.sources import HERE, SOCKET

OTHER = "staple of another colour"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await new_database(tmp_path / "state.db")
    yield World(tmp_path, database)
    await database.close()


async def kept(world: World) -> Logins:
    """Return what stands in the database."""
    return (await AccountStore(world.database).run(lambda book: None)).kept


def code_of(caught: pytest.ExceptionInfo[NodeError]) -> ErrorCode:
    return caught.value.code


async def test_the_first_password_needs_the_code_of_the_console(world: World) -> None:
    login = await world.open()
    code = login.setup_code
    assert code is not None and login.status(None).set_up is False
    for _ in range(50):
        with pytest.raises(NodeError) as caught:
            await login.accounts.set_up(new_code(), PASSWORD)
        assert code_of(caught) is ErrorCode.WRONG_CREDENTIALS, "strangers do not use up what the owner may try"
    with pytest.raises(NodeError) as caught:
        await login.accounts.set_up(code, "short")
    assert code_of(caught) is ErrorCode.INVALID_VALUE and login.setup_code == code
    await login.accounts.set_up(code.upper().replace("-", " "), PASSWORD)
    assert login.setup_code is None
    for again in (code, None):
        with pytest.raises(NodeError) as caught:
            await login.accounts.set_up(again, OTHER)
        assert code_of(caught) is ErrorCode.FORBIDDEN
    assert (await world.open()).setup_code is None
    assert PASSWORD.encode() not in (world.folder / "state.db").read_bytes()


async def test_a_session_outlives_the_daemon_and_ends_when_it_is_not_used(world: World) -> None:
    login = await world.owned()
    secret = (await login.log_in("owner", PASSWORD, None, Source("10.0.0.1", "Firefox"))).session
    visitor = login.by_session(secret)
    assert visitor is not None and visitor.permissions == frozenset(Permission)
    login = await world.open()
    for _ in range(12):
        world.now += LIFETIMES.idle - 1
        alive = login.by_session(secret) is not None
    assert not alive, "the longest life is over, though it was used all the time"
    secret = (await login.log_in("owner", PASSWORD, None, Source("10.0.0.1", "Firefox"))).session
    world.now += LIFETIMES.idle
    assert login.by_session(secret) is None
    stored = (await kept(world)).sessions
    assert all(secret not in repr(session) for session in stored)


@pytest.mark.parametrize("jump", [-1e8, -50.0, 50.0, 1e8])
async def test_a_clock_that_jumps_neither_ends_a_session_nor_keeps_it(world: World, jump: float) -> None:
    login = await world.owned()
    secret = (await login.log_in("owner", PASSWORD, None, HERE)).session
    token = (await login.tokens.make("program", frozenset({Permission.READ}), 1, SOCKET)).secret
    world.ahead = jump
    assert login.by_session(secret) is not None and login.by_token(token) is not None
    (view,) = login.sessions(None, "")
    assert view.expires_at.timestamp() == pytest.approx(world.now + jump + LIFETIMES.idle)
    await login.note_use()
    world.now += LIFETIMES.idle
    assert login.by_session(secret) is None and login.by_token(token) is not None
    world.now += 86400
    assert login.by_token(token) is None


@pytest.mark.parametrize("jump", [8 * 3600.0, -8 * 3600.0, 1e8])
async def test_a_clock_that_was_wrong_at_a_login_locks_nobody_out(world: World, jump: float) -> None:
    login = await world.owned()
    await login.accounts.add("eve", Role.VIEWER, OTHER, SOCKET)
    world.ahead = jump
    with pytest.raises(NodeError):
        await login.log_in("owner", "wrong wrong wrong", None, HERE)
    world.now += 30  # what one mistake costs at most
    await login.log_in("owner", PASSWORD, None, HERE)
    await login.log_in("eve", OTHER, None, HERE)
    world.ahead = 0.0
    elsewhere = Source("203.0.113.6")
    for source in (HERE, elsewhere):
        assert await login.log_in("owner", PASSWORD, None, source)
        assert await login.log_in("eve", OTHER, None, source)
    await login.accounts.set_password("owner", OTHER, SOCKET)
    assert await login.log_in("owner", OTHER, None, elsewhere)


async def test_a_clock_that_is_set_shortens_no_wait(world: World) -> None:
    login = await world.owned()
    guesser = Source("203.0.113.5")

    async def guess() -> ErrorCode:
        with pytest.raises(NodeError) as caught:
            await login.log_in("owner", "wrong wrong wrong", None, guesser)
        return code_of(caught)

    while await guess() is not ErrorCode.TOO_MANY:
        pass
    for world.ahead in (1e8, -1e8, 0.0):
        assert await guess() is ErrorCode.TOO_MANY


async def test_what_was_made_in_the_future_does_not_outlive_its_limit(world: World) -> None:
    world.ahead = 1e9
    login = await world.owned()
    secret = (await login.log_in("owner", PASSWORD, None, HERE)).session
    token = (await login.tokens.make("program", frozenset({Permission.READ}), 1, SOCKET)).secret
    world.ahead = 0.0
    for _ in range(4):  # each start begins with what the one before has kept
        login = await world.open()
        assert login.by_session(secret) is not None and login.by_token(token) is not None
        await login.note_use()
        world.now += LIFETIMES.idle - 1
    for _ in range(10):
        login = await world.open()
        alive = login.by_session(secret) is not None
        await login.note_use()
        world.now += LIFETIMES.idle - 1
    assert not alive
    world.now += 86400
    assert (await world.open()).by_token(token) is None


async def test_sessions_are_listed_and_ended(world: World) -> None:
    login = await world.owned()
    await login.accounts.add("eve", Role.VIEWER, OTHER, SOCKET)
    mine, eves = [(await login.log_in(*who, None, HERE)).session for who in (("owner", PASSWORD), ("eve", OTHER))]
    assert {one.user for one in login.sessions(None, "")} == {"owner", "eve"}
    (only,) = login.sessions("eve", "")
    with pytest.raises(NodeError):
        await login.revoke_session("eve", login.sessions("owner", "")[0].id)
    await login.revoke_session(None, only.id)
    assert login.by_session(eves) is None and login.by_session(mine) is not None
    await login.accounts.set_password("owner", OTHER, SOCKET)
    assert login.by_session(mine) is None
    assert (await world.open()).sessions(None, "") == ()


async def test_a_second_factor_is_asked_for_and_no_code_counts_twice(world: World) -> None:
    login = await world.owned()
    made = login.factors.begin("owner", "abc", SOCKET)
    assert "<svg" in made.qr and made.secret in made.uri
    await login.log_in("owner", PASSWORD, None, HERE)  # not confirmed: not asked for
    totp = pyotp.TOTP(made.secret)
    recovery = (await login.factors.confirm("owner", totp.at(world.now), SOCKET)).codes
    login = await world.open()
    with pytest.raises(NodeError) as caught:
        await login.log_in("owner", PASSWORD, None, HERE)
    assert code_of(caught) is ErrorCode.SECOND_FACTOR
    with pytest.raises(NodeError) as caught:
        await login.log_in("owner", PASSWORD, totp.at(world.now), HERE)
    assert code_of(caught) is ErrorCode.WRONG_CREDENTIALS, "the code that confirmed it was used"
    world.now += 600
    await login.log_in("owner", PASSWORD, totp.at(world.now), HERE)
    for used in (totp.at(world.now), totp.at(world.now - 600)):
        with pytest.raises(NodeError):
            await login.log_in("owner", PASSWORD, used, Source("::2"))
    await login.log_in("owner", PASSWORD, recovery[3], Source("::3"))
    with pytest.raises(NodeError):
        await (await world.open()).log_in("owner", PASSWORD, recovery[3], Source("::4"))
    assert made.secret.encode() not in (world.folder / "state.db").read_bytes()


async def test_what_one_browser_proposes_drops_nothing_of_another_and_goes_with_its_session(world: World) -> None:
    login = await world.owned()
    await login.accounts.add("eve", Role.VIEWER, OTHER, SOCKET)
    made = login.factors.begin("owner", "abc", SOCKET)
    for _ in range(30):
        eve = login.by_session((await login.log_in("eve", OTHER, None, HERE)).session)
        assert eve is not None
        login.factors.begin("eve", "abc", Source("::1", session=eve.session))
    assert len(login.factors._proposed) <= 21
    assert (await login.factors.confirm("owner", pyotp.TOTP(made.secret).at(world.now), SOCKET)).codes


async def test_whoever_guesses_waits_longer_each_time_and_the_owner_elsewhere_does_not(world: World) -> None:
    login = await world.owned()
    waits = []
    for _ in range(8):
        with pytest.raises(NodeError) as caught:
            await login.log_in("owner", "wrong wrong wrong", None, Source("203.0.113.5"))
        if code_of(caught) is ErrorCode.TOO_MANY:
            waits.append(caught.value.data["retry_after"])
            world.now += float(str(waits[-1])) + 0.1
    assert waits and waits == sorted(waits)
    assert await login.log_in("owner", PASSWORD, None, Source("203.0.113.6"))
    with pytest.raises(NodeError) as nobody:
        await login.log_in("nobody", PASSWORD, None, Source("203.0.113.7"))
    with pytest.raises(NodeError) as wrong:
        await login.log_in("owner", OTHER, None, Source("203.0.113.7"))
    assert str(nobody.value) == str(wrong.value), "whether there is such an account is not told"


async def test_a_token_does_what_it_may_until_it_is_revoked_or_old(world: World) -> None:
    login = await world.owned()
    made = await login.tokens.make("backup", frozenset({Permission.READ}), 1, SOCKET)
    visitor = (await world.open()).by_token(made.secret)
    assert visitor is not None and visitor.permissions == {Permission.READ}
    for permission in set(Permission) - TOKEN_PERMISSIONS:
        with pytest.raises(NodeError):
            await login.tokens.make("more", frozenset({permission}), 1, SOCKET)
    world.now += 86400
    assert login.by_token(made.secret) is None
    again = await login.tokens.make("other", frozenset({Permission.READ}), 1, SOCKET)
    await login.tokens.revoke(again.token.id, SOCKET)
    assert login.by_token(again.secret) is None and (await world.open()).by_token(again.secret) is None


async def test_the_last_owner_stays(world: World) -> None:
    login = await world.owned()
    with pytest.raises(NodeError):
        await login.accounts.remove("owner", SOCKET)
    await login.accounts.add("heir", Role.OWNER, OTHER, SOCKET)
    await login.accounts.remove("owner", SOCKET)
    assert [one.name for one in (await world.open()).accounts.list()] == ["heir"]


async def test_an_old_hash_is_made_anew_at_a_login(world: World) -> None:
    await world.owned()
    login = Login(
        AccountStore(world.database),
        SecretsManager(world.folder / "apps", world.folder / "node.key"),
        Clocks(lambda: world.now, lambda: world.now),
        passwords=Passwords(Cost(2, 8, 1)),
    )
    await login.open()
    before = (await kept(world)).users[0].password
    await login.log_in("owner", PASSWORD, None, HERE)
    after = (await kept(world)).users[0].password
    assert "t=1" in before and "t=2" in after


def test_roles_grow_and_tokens_cannot_make_more() -> None:
    assert PERMISSIONS[Role.VIEWER] < PERMISSIONS[Role.OPERATOR] < PERMISSIONS[Role.OWNER] == frozenset(Permission)
    assert not {Permission.ADMINISTER, Permission.ACCOUNT} & TOKEN_PERMISSIONS


# --- pure parts ------------------------------------------------------------------------------------------------------

ADDRESSES = st.one_of(st.ip_addresses().map(str), st.text(max_size=5))


@given(st.lists(st.tuples(ADDRESSES, st.floats(0, 10_000), st.booleans()), max_size=60))
def test_a_wait_is_bounded_and_never_negative(attempts: list[tuple[str, float, bool]]) -> None:
    backoff, now = Backoff(), 0.0
    for lane, pause, was_right in attempts:
        now += pause
        assert 0 <= backoff.wait(lane, now) <= 900
        counted = backoff.fail(lane, now)
        if was_right:
            backoff.take_back(counted)


def test_what_was_right_costs_nothing_and_forgives_nothing() -> None:
    backoff = Backoff()
    for number in range(20):
        if number % 2:
            backoff.fail("lane", 0.0)
        else:
            backoff.take_back(backoff.fail("lane", 0.0))
    assert backoff.wait("lane", 0.0) == 2.0**7
    first, second = backoff.fail("other", 0.0), backoff.fail("other", 0.0)
    backoff.take_back(first)
    backoff.take_back(second)
    assert backoff.wait("other", 0.0) == 0.0


def test_one_attacker_is_one_network_and_a_quiet_time_is_forgiven() -> None:
    assert {network_of(f"2001:db8::{number}") for number in range(6)} == {"2001:db8::/64"}
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    backoff = Backoff()
    for _ in range(6):
        backoff.fail("lane", 0.0)
    assert backoff.wait("lane", 0.0) == 8.0 and backoff.wait("other", 0.0) == 0.0
    backoff.fail("lane", 1000.0)
    assert backoff.wait("lane", 1000.0) == 0.0


def refuses(attempts: Attempts, source: Source, account: str = "owner", *, logged_in: bool = False) -> bool:
    """Make a wrong attempt; return whether it is not even looked at."""
    try:
        with attempts.attempt(source, account, logged_in=logged_in):
            return False
    except NodeError:
        return True


def test_whoever_guesses_holds_up_nobody_else() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    device = Device("d1", "owner", "mark")
    for _ in range(9):
        refuses(attempts, Source("203.0.113.5"))
    assert refuses(attempts, Source("203.0.113.5"))
    assert not refuses(attempts, Source("203.0.113.5", session="s"), logged_in=True)
    assert not refuses(attempts, Source("203.0.113.5", device=device))
    assert not any(refuses(attempts, Source("203.0.113.5", trusted=True)) for _ in range(50))
    assert not refuses(attempts, Source("203.0.113.6"))
    # A session or mark of one's own is no lane for guesses at another's account.
    assert refuses(attempts, Source("203.0.113.5", session="s"))
    assert refuses(attempts, Source("203.0.113.5", device=device), "other")


def test_a_lane_of_ones_own_waits_for_its_own_mistakes() -> None:
    attempts = Attempts(lambda: 0.0)
    thief, owner = (Source(each, device=Device("d1", "owner", "mark")) for each in ("203.0.113.5", "203.0.113.6"))
    assert [refuses(attempts, thief) for _ in range(10)] == [False] * 8 + [True] * 2, "its own, and the address's"
    assert not refuses(attempts, owner), "who stole the mark does not hold up whose it is"


def test_all_strangers_together_find_out_little_and_do_not_hold_up_who_is_known() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    looked_at, seconds = 0, examples(3600)
    for second in range(seconds):
        now[0] = float(second)
        looked_at += sum(not refuses(attempts, Source(f"10.{second % 200}.{number}.1")) for number in range(20))
        assert second % 600 or not refuses(attempts, Source("10.0.0.1", device=Device(f"d{second}", "owner", "")))
    assert looked_at <= 300 + seconds // 10 + 1


@given(st.integers(1, 50), st.lists(st.floats(0, 5), max_size=200))
def test_nobody_calls_oftener_than_allowed(burst: int, pauses: list[float]) -> None:
    limit, now, allowed = RateLimit(), 0.0, 0
    for pause in pauses:
        now += pause
        allowed += limit.take("x", Rate(2.0, burst), now) == 0.0
    assert allowed <= burst + 2.0 * now + 1e-6


@given(st.text(max_size=120))
def test_no_text_is_taken_for_a_code(text: str) -> None:
    code, secret = new_code(), new_totp_secret()
    assert not same_code(text, code) or len(text) >= 16
    step = totp_step(secret, text, 1_800_000_000.0, 0)
    assert step is None or len(text.replace(" ", "")) == 6


async def test_a_session_belongs_to_the_port_of_the_page_in_whose_storage_its_secret_is(world: World) -> None:
    login = await world.owned()
    secret = (await login.log_in("owner", PASSWORD, None, HERE)).session
    assert (await world.open()).by_session(secret) is not None
    assert (await world.open(port=8481)).by_session(secret) is None, "an app may have the old port by now"


async def test_what_shows_who_somebody_is_is_hidden_while_it_is_good(world: World) -> None:
    redactor = Redactor()
    login = await world.open(hider=redactor)
    await login.accounts.set_up(None, PASSWORD)
    session = (await login.log_in("owner", PASSWORD, None, HERE)).session
    token = (await login.tokens.make("program", frozenset({Permission.READ}), 1, SOCKET)).secret
    for secret in (session, token):
        assert secret not in redactor.redact(f"Authorization: Bearer {secret}")
    later = Redactor()
    login = await world.open(hider=later)
    assert login.by_session(session) is not None and login.by_token(token) is not None
    for secret in (session, token):
        assert secret not in later.redact(f"Cookie: a={secret}; b"), "known by its use, after a restart"
    await login.log_out(login.sessions(None, "")[0].id)  # no such key: it goes on
    await login.note_use()
    assert session not in later.redact(session)
    await login.revoke_session(None, login.sessions(None, "")[0].id)
    await login.tokens.revoke(login.tokens.list()[0].id, SOCKET)
    await login.note_use()
    assert later.redact(f"{session} {token}") == f"{session} {token}", "worth nothing: not kept"

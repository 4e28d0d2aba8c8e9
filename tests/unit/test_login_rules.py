"""Who is let in: passwords, second factors, sessions, tokens, with a real database and a clock of our own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.backoff import Backoff
from archipelago.security.login.codes import new_code, new_totp_secret, same_code, totp_step
from archipelago.security.login.login import Lifetimes, Login
from archipelago.security.login.passwords import Cost, Passwords
from archipelago.security.login.rate_limit import Rate, RateLimit
from archipelago.security.permissions import PERMISSIONS, TOKEN_PERMISSIONS, Permission, Role
from archipelago.security.redactor import Redactor
from archipelago.security.secrets_manager import SecretsManager
from archipelago.storage.accounts import AccountStore
from archipelago.storage.database import Database

PASSWORD, OTHER = "correct horse battery", "staple of another colour"
LIFETIMES = Lifetimes(idle=100, absolute=1000)


@dataclass
class World:
    """A login on disk, and a clock."""

    folder: Path
    database: Database
    now: float = 1_800_000_000.0

    async def open(self, port: int = 8480, hider: Redactor | None = None) -> Login:
        """Return the login as a start of the node finds it."""
        sealer = SecretsManager(self.folder / "apps", self.folder / "node.key")
        login = Login(
            AccountStore(self.database),
            sealer,
            lambda: self.now,
            passwords=Passwords(Cost(1, 8, 1)),
            lifetimes=LIFETIMES,
            port=port,
            hider=hider,
        )
        await login.open()
        return login

    async def owned(self) -> Login:
        """Return the login of a node that is set up."""
        login = await self.open()
        await login.set_up(login.setup_code, PASSWORD, "::1")
        return login


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await Database(tmp_path / "state.db").open()
    yield World(tmp_path, database)
    await database.close()


def code_of(caught: pytest.ExceptionInfo[NodeError]) -> ErrorCode:
    return caught.value.code


async def test_the_first_password_needs_the_code_of_the_console(world: World) -> None:
    login = await world.open()
    code = login.setup_code
    assert code is not None and login.status(None).set_up is False
    with pytest.raises(NodeError) as caught:
        await login.set_up(new_code(), PASSWORD, "::1")
    assert code_of(caught) is ErrorCode.WRONG_CREDENTIALS
    with pytest.raises(NodeError) as caught:
        await login.set_up(code, "short", "::1")
    assert code_of(caught) is ErrorCode.INVALID_VALUE and login.setup_code == code
    await login.set_up(code.upper().replace("-", " "), PASSWORD, "::1")
    assert login.setup_code is None
    for again in (code, None):
        with pytest.raises(NodeError) as caught:
            await login.set_up(again, OTHER, "::1")
        assert code_of(caught) is ErrorCode.FORBIDDEN
    assert (await world.open()).setup_code is None
    assert PASSWORD.encode() not in (world.folder / "state.db").read_bytes()


async def test_a_session_outlives_the_daemon_and_ends_when_it_is_not_used(world: World) -> None:
    login = await world.owned()
    secret = await login.log_in("owner", PASSWORD, None, "10.0.0.1", "Firefox")
    visitor = login.by_session(secret)
    assert visitor is not None and visitor.permissions == frozenset(Permission)
    login = await world.open()
    for _ in range(12):
        world.now += LIFETIMES.idle - 1
        alive = login.by_session(secret) is not None
    assert not alive, "the longest life is over, though it was used all the time"
    secret = await login.log_in("owner", PASSWORD, None, "10.0.0.1", "Firefox")
    world.now += LIFETIMES.idle
    assert login.by_session(secret) is None
    stored = (await AccountStore(world.database).load()).sessions
    assert all(secret not in repr(session) for session in stored)


async def test_sessions_are_listed_and_ended(world: World) -> None:
    login = await world.owned()
    await login.add_user("eve", Role.VIEWER, OTHER)
    mine, eves = [await login.log_in(*who, None, "::1", "x") for who in (("owner", PASSWORD), ("eve", OTHER))]
    assert {one.user for one in login.sessions(None, "")} == {"owner", "eve"}
    (only,) = login.sessions("eve", "")
    with pytest.raises(NodeError):
        await login.revoke_session("eve", login.sessions("owner", "")[0].id)
    await login.revoke_session(None, only.id)
    assert login.by_session(eves) is None and login.by_session(mine) is not None
    await login.set_password("owner", OTHER)
    assert login.by_session(mine) is None
    assert (await world.open()).sessions(None, "") == ()


async def test_a_second_factor_is_asked_for_and_no_code_counts_twice(world: World) -> None:
    login = await world.owned()
    made = login.begin_second_factor("owner", "abc")
    assert "<svg" in made.qr and made.secret in made.uri
    await login.log_in("owner", PASSWORD, None, "::1", "")  # not confirmed: not asked for
    totp = pyotp.TOTP(made.secret)
    recovery = (await login.confirm_second_factor("owner", totp.at(world.now), "::1")).codes
    login = await world.open()
    with pytest.raises(NodeError) as caught:
        await login.log_in("owner", PASSWORD, None, "::1", "")
    assert code_of(caught) is ErrorCode.SECOND_FACTOR
    with pytest.raises(NodeError) as caught:
        await login.log_in("owner", PASSWORD, totp.at(world.now), "::1", "")
    assert code_of(caught) is ErrorCode.WRONG_CREDENTIALS, "the code that confirmed it was used"
    world.now += 600
    await login.log_in("owner", PASSWORD, totp.at(world.now), "::1", "")
    for used in (totp.at(world.now), totp.at(world.now - 600)):
        with pytest.raises(NodeError):
            await login.log_in("owner", PASSWORD, used, "::2", "")
    await login.log_in("owner", PASSWORD, recovery[3], "::3", "")
    with pytest.raises(NodeError):
        await (await world.open()).log_in("owner", PASSWORD, recovery[3], "::4", "")
    assert made.secret.encode() not in (world.folder / "state.db").read_bytes()


async def test_whoever_guesses_waits_longer_each_time_and_the_owner_elsewhere_does_not(world: World) -> None:
    login = await world.owned()
    waits = []
    for _ in range(8):
        with pytest.raises(NodeError) as caught:
            await login.log_in("owner", "wrong wrong wrong", None, "203.0.113.5", "")
        if code_of(caught) is ErrorCode.TOO_MANY:
            waits.append(caught.value.data["retry_after"])
            world.now += float(str(waits[-1])) + 0.1
    assert waits and waits == sorted(waits)
    assert await login.log_in("owner", PASSWORD, None, "203.0.113.6", "")
    with pytest.raises(NodeError) as nobody:
        await login.log_in("nobody", PASSWORD, None, "203.0.113.7", "")
    with pytest.raises(NodeError) as wrong:
        await login.log_in("owner", OTHER, None, "203.0.113.7", "")
    assert str(nobody.value) == str(wrong.value), "whether there is such an account is not told"


async def test_a_token_does_what_it_may_until_it_is_revoked_or_old(world: World) -> None:
    login = await world.owned()
    made = await login.make_token("backup", frozenset({Permission.READ}), days=1)
    visitor = (await world.open()).by_token(made.secret)
    assert visitor is not None and visitor.permissions == {Permission.READ}
    for permission in set(Permission) - TOKEN_PERMISSIONS:
        with pytest.raises(NodeError):
            await login.make_token("more", frozenset({permission}), days=1)
    world.now += 86400
    assert login.by_token(made.secret) is None
    again = await login.make_token("other", frozenset({Permission.READ}), days=1)
    await login.revoke_token(again.token.id)
    assert login.by_token(again.secret) is None and (await world.open()).by_token(again.secret) is None


async def test_the_last_owner_stays(world: World) -> None:
    login = await world.owned()
    with pytest.raises(NodeError):
        await login.remove_user("owner")
    await login.add_user("heir", Role.OWNER, OTHER)
    await login.remove_user("owner")
    assert [one.name for one in (await world.open()).users()] == ["heir"]


async def test_an_old_hash_is_made_anew_at_a_login(world: World) -> None:
    await world.owned()
    login = Login(
        AccountStore(world.database),
        SecretsManager(world.folder / "apps", world.folder / "node.key"),
        lambda: world.now,
        passwords=Passwords(Cost(2, 8, 1)),
    )
    await login.open()
    before = (await AccountStore(world.database).load()).users[0].password
    await login.log_in("owner", PASSWORD, None, "::1", "")
    after = (await AccountStore(world.database).load()).users[0].password
    assert "t=1" in before and "t=2" in after


def test_roles_grow_and_tokens_cannot_make_more() -> None:
    assert PERMISSIONS[Role.VIEWER] < PERMISSIONS[Role.OPERATOR] < PERMISSIONS[Role.OWNER] == frozenset(Permission)
    assert not {Permission.ADMINISTER, Permission.ACCOUNT} & TOKEN_PERMISSIONS


# --- pure parts ------------------------------------------------------------------------------------------------------

ADDRESSES = st.one_of(st.ip_addresses().map(str), st.text(max_size=5))


@given(st.lists(st.tuples(ADDRESSES, st.floats(0, 10_000)), max_size=60))
def test_a_wait_is_bounded_and_never_negative(attempts: list[tuple[str, float]]) -> None:
    backoff, now = Backoff(), 0.0
    for address, pause in attempts:
        now += pause
        assert 0 <= backoff.wait(address, now) <= 900
        backoff.fail(address, now)


def test_one_attacker_is_one_network_and_a_quiet_time_is_forgiven() -> None:
    backoff = Backoff()
    for number in range(6):
        backoff.fail(f"2001:db8::{number}", 0.0)
    assert backoff.wait("2001:db8::ffff", 0.0) == 8.0
    assert backoff.wait("2001:db8:0:1::1", 0.0) == 0.0
    backoff.fail("2001:db8::1", 1000.0)
    assert backoff.wait("2001:db8::1", 1000.0) == 0.0
    backoff.fail("::ffff:192.0.2.1", 0.0)
    for _ in range(3):
        backoff.fail("192.0.2.1", 0.0)
    assert backoff.wait("192.0.2.1", 0.0) > 0


def test_many_addresses_together_wait_too() -> None:
    backoff = Backoff()
    for number in range(40):
        backoff.fail(f"203.0.113.{number}", 0.0)
    assert 0 < backoff.wait("198.51.100.1", 0.0) <= 30


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
    secret = await login.log_in("owner", PASSWORD, None, "::1", "")
    assert (await world.open()).by_session(secret) is not None
    assert (await world.open(port=8481)).by_session(secret) is None, "an app may have the old port by now"


async def test_what_shows_who_somebody_is_is_hidden_while_it_is_good(world: World) -> None:
    redactor = Redactor()
    login = await world.open(hider=redactor)
    await login.set_up(None, PASSWORD, "::1")
    session = await login.log_in("owner", PASSWORD, None, "::1", "")
    token = (await login.make_token("program", frozenset({Permission.READ}), 1)).secret
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
    await login.revoke_token(login.tokens()[0].id)
    await login.note_use()
    assert later.redact(f"{session} {token}") == f"{session} {token}", "worth nothing: not kept"

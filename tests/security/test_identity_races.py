"""Each change of how one logs in, while somebody logs in: every order of things leaves only who may be there.

The database, the hashes and the signatures are real. After each transaction what is kept is looked at: whoever is let
in shows what counts at that very moment, and who may not be there any more is gone in the same transaction.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from archipelago.errors import ErrorCode
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.sessions.secrets import session_key
from archipelago.storage.records.logins import Logins
from archipelago.storage.records.permissions import PERMISSIONS, Permission, Role
from support.identity_scene import NEW, NOW, OLD, OWNERS, RECOVERY, SECRET, SITE, Scene, Shown, play, visitor
from support.sources import SOCKET

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder in memory: what is tested is the order of things, not the disk."""
    shared = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
    yield made
    shutil.rmtree(made)


# --- one's password ---------------------------------------------------------------------------------------------------


def test_another_password_against_logins(folder: Path) -> None:
    async def password_set(scene: Scene) -> None:
        old, _, _, _ = await asyncio.gather(
            scene.enter(),
            scene.login.accounts.set_password("eve", NEW, SOCKET),
            scene.enter_by_passkey(),
            scene.login.note_use(),
        )
        assert visitor(scene, old) is None
        assert visitor(scene, await scene.enter(OLD)) is None
        assert visitor(scene, await scene.enter(NEW)) == PERMISSIONS[Role.VIEWER]

    play(folder, password_set)


def test_another_password_against_logins_with_a_code(folder: Path) -> None:
    async def password_and_factor(scene: Scene) -> None:
        code = pyotp.TOTP(SECRET).at(NOW)
        old, again, recovered, _ = await asyncio.gather(
            scene.enter(OLD, code),
            scene.enter(OLD, code),
            scene.enter(OLD, RECOVERY),
            scene.login.accounts.set_password("eve", NEW, SOCKET),
        )
        assert [visitor(scene, each) for each in (old, again, recovered)] == [None] * 3
        assert visitor(scene, await scene.enter(OLD, RECOVERY)) is None

    play(folder, password_and_factor, factor=True)


def test_a_hash_that_is_made_again_does_not_bring_the_old_password_back(folder: Path) -> None:
    async def outdated(scene: Scene) -> None:
        dear = Passwords(Cost(2, 8, 1))
        scene.login._passwords = scene.passwords = dear
        old, _ = await asyncio.gather(scene.enter(), scene.login.accounts.set_password("eve", NEW, SOCKET))
        assert visitor(scene, old) is None and await scene.enter(OLD) is None
        assert await scene.enter(NEW) is not None
        scene.passwords = Passwords(Cost(1, 8, 1))

    play(folder, outdated)


def test_two_changes_of_one_password(folder: Path) -> None:
    async def changed_twice(scene: Scene) -> None:
        secret = await scene.enter()
        caller = Source("192.0.2.1", session=session_key(secret or "", 0))
        refusals = await asyncio.gather(
            *(scene.refused(scene.login.accounts.set_password("eve", each, caller)) for each in (NEW, OWNERS))
        )
        assert sorted(refusals) == [False, True]
        assert visitor(scene, secret) is None

    play(folder, changed_twice)


def test_passkeys_that_go_with_the_password(folder: Path) -> None:
    async def everywhere(scene: Scene) -> None:
        key, _ = await asyncio.gather(
            scene.enter_by_passkey(), scene.login.accounts.set_password("eve", NEW, SOCKET, everywhere=True)
        )
        assert visitor(scene, key) is None and await scene.enter_by_passkey() is None

    play(folder, everywhere)


# --- accounts ---------------------------------------------------------------------------------------------------------


async def replace_eve(scene: Scene) -> None:
    """Remove Eve, and give her name to an owner with another password."""
    await scene.login.accounts.remove("eve", SOCKET)
    await scene.login.accounts.add("eve", Role.OWNER, NEW, SOCKET)


def test_a_removed_account_against_logins(folder: Path) -> None:
    async def removed(scene: Scene) -> None:
        old, key, _, _ = await asyncio.gather(
            scene.enter(),
            scene.enter_by_passkey(),
            scene.login.accounts.remove("eve", SOCKET),
            scene.login.note_use(),
        )
        assert visitor(scene, old) is None and visitor(scene, key) is None
        assert (await scene.opened()).sessions(None, "") == ()

    play(folder, removed)


def test_a_name_that_is_made_again_gives_nothing_to_who_had_it(folder: Path) -> None:
    async def made_again(scene: Scene) -> None:
        old, key, _ = await asyncio.gather(scene.enter(), scene.enter_by_passkey(), replace_eve(scene))
        assert visitor(scene, old) is None and visitor(scene, key) is None
        assert visitor(scene, await scene.enter(NEW)) == PERMISSIONS[Role.OWNER]

    play(folder, made_again)


def test_a_password_for_who_had_the_name_is_not_for_who_has_it(folder: Path) -> None:
    async def stale_password(scene: Scene) -> None:
        async def set_old() -> bool:
            seen = scene.login._ledger.users.get("eve")
            done = not await scene.refused(scene.login.accounts.set_password("eve", OWNERS, SOCKET))
            return done and seen is not None and seen.role is Role.VIEWER

        was_eves, _ = await asyncio.gather(set_old(), replace_eve(scene))
        if was_eves:
            assert await scene.enter(NEW) is not None

    play(folder, stale_password)


def test_one_set_up_makes_one_owner(folder: Path) -> None:
    async def set_up(scene: Scene) -> None:
        await scene.login._ledger.change(lambda book: [book.remove_user(name) for name in ("owner", "eve")])
        code, words = scene.login.setup_code, [f"the password of number {number}" for number in range(4)]
        refusals = await asyncio.gather(*(scene.refused(scene.login.accounts.set_up(code, each)) for each in words))
        assert sorted(refusals) == [False, True, True, True]
        assert [await scene.enter(each, user="owner") is None for each in words] == refusals

    play(folder, set_up)


def test_one_account_of_a_name(folder: Path) -> None:
    async def added(scene: Scene) -> None:
        add = scene.login.accounts.add
        wanted = [(Role.OWNER, OLD), (Role.VIEWER, NEW)]
        refusals = await asyncio.gather(*(scene.refused(add("bob", *each, SOCKET)) for each in wanted))
        assert sorted(refusals) == [False, True]
        role, password = wanted[refusals.index(False)]
        assert visitor(scene, await scene.enter(password, user="bob")) == PERMISSIONS[role]

    play(folder, added)


def test_an_owner_is_always_left(folder: Path) -> None:
    async def last_owner(scene: Scene) -> None:
        await scene.login.accounts.add("heir", Role.OWNER, NEW, SOCKET)
        remove = scene.login.accounts.remove
        refusals = await asyncio.gather(*(scene.refused(remove(each, SOCKET)) for each in ("owner", "heir")))
        assert sorted(refusals) == [False, True]
        assert Role.OWNER in {one.role for one in scene.login.accounts.list()}

    play(folder, last_owner)


# --- second factors and passkeys --------------------------------------------------------------------------------------


def test_a_new_second_factor_against_logins(folder: Path) -> None:
    async def factor_taken(scene: Scene) -> None:
        mine = await scene.enter()
        caller = Source("192.0.2.1", session=session_key(mine or "", 0))
        made = scene.login.factors.begin("eve", "node", caller)
        code = pyotp.TOTP(made.secret).at(NOW)
        found = await asyncio.gather(
            scene.refused(scene.login.factors.confirm("eve", code, caller)),
            scene.refused(scene.login.factors.confirm("eve", code, caller)),
            scene.enter(),
            scene.enter(),
        )
        assert sorted(found[:2]) == [False, True]
        assert visitor(scene, mine) is not None, "who has shown it goes on"
        assert await scene.enter() is None and scene.failures[-1].code is ErrorCode.SECOND_FACTOR

    play(folder, factor_taken)


def test_a_second_factor_that_goes_does_not_come_back_with_a_code(folder: Path) -> None:
    async def factor_dropped(scene: Scene) -> None:
        code = pyotp.TOTP(SECRET).at(NOW)
        drop = scene.login.factors.drop("eve", SOCKET)
        await asyncio.gather(scene.enter(OLD, code), drop, scene.enter(OLD, RECOVERY))
        assert await scene.enter(OLD) is not None

    play(folder, factor_dropped, factor=True)


def test_a_code_counts_once(folder: Path) -> None:
    async def codes(scene: Scene) -> None:
        code = pyotp.TOTP(SECRET).at(NOW)
        for each in (code, RECOVERY):
            found = await asyncio.gather(*(scene.enter(OLD, each) for _ in range(3)))
            assert [one is None for one in found].count(False) == 1

    play(folder, codes, factor=True)


def test_a_removed_passkey_against_logins(folder: Path) -> None:
    async def passkey_removed(scene: Scene) -> None:
        assert scene.key is not None
        await asyncio.gather(
            scene.enter_by_passkey(),
            scene.login.passkeys.remove("eve", scene.key.id[:16], SOCKET),
            scene.enter_by_passkey(),
        )
        assert await scene.enter_by_passkey() is None

    play(folder, passkey_removed)


def test_one_answer_of_a_passkey_lets_in_once(folder: Path) -> None:
    async def answered_once(scene: Scene) -> None:
        assert scene.key is not None
        answer = scene.device.get(scene.login.passkeys.challenge(SITE), SITE)
        shown = Shown("eve", passkey=scene.key.id)
        found = await asyncio.gather(
            *(scene.let_in(scene.login.log_in_by_passkey(answer, SITE, SOCKET), shown) for _ in range(3))
        )
        assert [one is None for one in found].count(False) == 1

    play(folder, answered_once)


# --- sessions and tokens ----------------------------------------------------------------------------------------------


def test_who_is_shut_out_does_nothing_more(folder: Path) -> None:
    async def shut_out(scene: Scene) -> None:
        secret = await scene.enter(OWNERS, user="owner")
        me = Source("192.0.2.1", session=session_key(secret or "", 0))
        login, accounts, identity = scene.login, scene.login.accounts, scene.login.sessions("owner", "")[0].id
        made = login.factors.begin("owner", "node", me)
        code = pyotp.TOTP(made.secret).at(NOW)
        acts: dict[str, Callable[[], Awaitable[Any]]] = {
            "user": lambda: accounts.add("mallory", Role.OWNER, NEW, me),
            "token": lambda: login.tokens.make("mallory", frozenset({Permission.READ}), 1, me),
            "password": lambda: accounts.set_password("eve", NEW, me),
            "factor": lambda: login.factors.confirm("owner", code, me),
        }
        end = asyncio.create_task(login.revoke_session(None, identity))
        await asyncio.gather(end, *(scene.refused(act()) for act in acts.values()))
        gone = next(number for number, kept in sorted(scene.store.history.items()) if _ended(kept, me.session, scene))
        after = [kept for number, kept in scene.store.history.items() if number >= gone]
        assert len({(kept.users, kept.tokens) for kept in after}) == 1, "something was done after the session had ended"

    def _ended(kept: Logins, session: str, scene: Scene) -> bool:
        return session in scene.shown and all(one.key != session for one in kept.sessions)

    play(folder, shut_out)


def test_what_has_ended_does_not_come_back_by_being_noted(folder: Path) -> None:
    async def noted(scene: Scene) -> None:
        secret = await scene.enter()
        made = await scene.login.tokens.make("program", frozenset({Permission.READ}), 1, SOCKET)
        ledger = scene.login._ledger
        for age in ledger._ages.values():
            age.used_at += 1000.0  # so there is something to note
        await asyncio.gather(
            scene.login.note_use(),
            scene.login.revoke_session(None, scene.login.sessions("eve", "")[0].id),
            scene.login.tokens.revoke(made.token.id, SOCKET),
            scene.login.note_use(),
        )
        login = await scene.opened()
        assert scene.login.by_session(secret or "") is None and login.by_session(secret or "") is None
        assert scene.login.by_token(made.secret) is None and login.by_token(made.secret) is None

    play(folder, noted)


def test_tokens_are_as_many_as_there_may_be_and_of_one_name_one(folder: Path) -> None:
    async def tokens(scene: Scene) -> None:
        make = scene.login.tokens.make
        refusals = await asyncio.gather(
            *(scene.refused(make("program", frozenset({Permission.READ}), 1, SOCKET)) for _ in range(3))
        )
        assert sorted(refusals) == [False, True, True]

    play(folder, tokens)


def test_an_account_has_so_many_sessions_and_no_more(folder: Path) -> None:
    async def many(scene: Scene) -> None:
        for _ in range(18):
            await scene.enter()
        await asyncio.gather(*(scene.enter() for _ in range(5)))
        assert len(scene.login.sessions("eve", "")) == 20

    play(folder, many, count=5)

"""A node with its owner and with Eve, who log in and change accounts in every order of things.

The database, the hashes and the signatures are real. After each transaction what is kept is looked at.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.credentials.codes import code_hash
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.login import Login, Start
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.secrets import session_key
from archipelago.storage.database import Database
from archipelago.storage.records.logins import Logins, Passkey, SecondFactor, User
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.stores.accounts import AccountStore, Book, Settled
from support.databases import new_database
from support.sealed_keys import Sealed
from support.shuffled_loop import ShuffledLoop
from support.soft_passkey import Device
from support.sources import SOCKET

ROUNDS = 200
OLD, NEW, OWNERS = "the password until now", "the password from now on", "the owner's own password"
SITE = "http://localhost:8480"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECOVERY = "aaaa-bbbb-cccc-dddd"
NOW = 1_800_000_000.0
T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """What somebody showed who was let in."""

    user: str
    password: str | None = None
    code: bool = False
    passkey: str | None = None


class WatchedStore(AccountStore):
    """Remembers what was kept after each transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.history: dict[int, Logins] = {}

    async def run(self, work: Callable[[Book], T]) -> Settled:
        settled = await super().run(work)
        self.history[settled.number] = settled.kept
        return settled


@dataclass
class Scene:
    """A node with its owner and with Eve, who has a passkey; `shown` says by what each session was begun."""

    store: WatchedStore
    login: Login
    passwords: Passwords
    hashes: dict[str, str]
    device: Device = field(default_factory=Device)
    key: Passkey | None = None
    shown: dict[str, Shown] = field(default_factory=dict)
    failures: list[NodeError] = field(default_factory=list)
    visitors: int = 0

    async def begin(self, *, factor: bool = False) -> None:
        """Put everything back to where each round begins."""
        second = SecondFactor(Sealed().seal(SECRET), 0, (code_hash(RECOVERY),)) if factor else None

        def work(book: Book) -> None:
            for user in book.users():
                book.remove_user(user.name)
            book.remove_tokens(one.key for one in book.tokens())
            book.change_user(User("owner", Role.OWNER, self.hashes[OWNERS], NOW))
            book.change_user(User("eve", Role.VIEWER, self.hashes[OLD], NOW, second))
            if self.key is not None:
                book.save_passkey(replace(self.key, sign_count=self.device.count))

        self.login = await self.opened()
        await self.login._ledger.change(work)
        self.store.history.clear()
        self.shown.clear()
        self.failures.clear()

    async def opened(self) -> Login:
        """Return the login as a start of the node finds it."""
        login = Login(self.store, Sealed(), Clocks(lambda: NOW, lambda: NOW), passwords=self.passwords)
        await login.open()
        return login

    def elsewhere(self) -> Source:
        """Return an address from which nobody has come: how often one may guess is not looked at here."""
        self.visitors += 1
        return Source(f"10.{self.visitors >> 16}.{self.visitors >> 8 & 255}.{self.visitors & 255}")

    # --- what people do ---------------------------------------------------------------------------------------------

    async def enter(self, password: str = OLD, code: str | None = None, user: str = "eve") -> str | None:
        """Log in by a password; return the session's secret, or None where it is refused."""
        return await self.let_in(
            self.login.log_in(user, password, code, self.elsewhere()), Shown(user, password, code is not None)
        )

    async def enter_by_passkey(self) -> str | None:
        """Log in by Eve's passkey."""
        assert self.key is not None
        answer = self.device.get(self.login.passkeys.challenge(SITE), SITE)
        work = self.login.log_in_by_passkey(answer, SITE, self.elsewhere())
        return await self.let_in(work, Shown("eve", passkey=self.key.id))

    async def let_in(self, work: Awaitable[Start], shown: Shown) -> str | None:
        """Log in by what somebody shows; return the session's secret, or None where it is refused."""
        try:
            start = await work
        except NodeError as error:
            self.failures.append(error)
            return None
        self.shown[session_key(start.session, 0)] = shown
        return start.session

    async def refused(self, work: Awaitable[object]) -> bool:
        """Do something; return whether it was refused."""
        try:
            await work
        except NodeError as error:
            self.failures.append(error)
            return True
        return False

    # --- what must be so --------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Look at every state that there was, and at what the running node believes at the end."""
        before = Logins()
        for number in sorted(self.store.history):
            await self._check_step(before, self.store.history[number])
            before = self.store.history[number]
        ledger = self.login._ledger
        assert ledger.users == {one.name: one for one in before.users}
        assert {one.key for one in ledger.sessions()} == {one.key for one in before.sessions}
        assert {one.key for one in ledger.tokens()} == {one.key for one in before.tokens}
        assert set(ledger.passkeys) == {one.id for one in before.passkeys}
        allowed = (ErrorCode.WRONG_CREDENTIALS, ErrorCode.BUSY, ErrorCode.FORBIDDEN, ErrorCode.INVALID_VALUE)
        assert all(each.code in (*allowed, ErrorCode.SECOND_FACTOR, ErrorCode.LOGIN_NEEDED) for each in self.failures)

    async def _check_step(self, before: Logins, after: Logins) -> None:
        users = {one.name: one for one in after.users}
        earlier = {one.key: one for one in before.sessions}
        for session in after.sessions:
            user = users.get(session.user)
            assert user is not None and user.version == session.version, "a session of nobody, or of before a change"
            if session.key in earlier:
                old = next(one for one in before.users if one.name == user.name)
                assert user.created_at == old.created_at and user.role == old.role
                shown = self.shown.get(session.key)
                if shown is not None and shown.password is not None:
                    assert await self.fits(user, shown.password), "a session outlived its password"
            elif (shown := self.shown.get(session.key)) is not None:
                assert shown.user == user.name
                if shown.passkey is not None:
                    assert shown.passkey in {one.id for one in after.passkeys}
                else:
                    assert shown.password is not None and await self.fits(user, shown.password)
                    assert shown.code or user.factor is None
        names = {one.name for one in after.users}
        assert {one.user for one in after.passkeys} <= names

    async def fits(self, user: User, password: str) -> bool:
        return await self.passwords.fits(user.password, password, known=True)


def visitor(scene: Scene, secret: str | None) -> frozenset[Permission] | None:
    """Return what a session may do; None where it has ended."""
    found = scene.login.by_session(secret) if secret else None
    return found.permissions if found is not None else None


def play(
    folder: Path, round_of: Callable[[Scene], Awaitable[None]], *, factor: bool = False, count: int = ROUNDS
) -> None:
    """Play rounds, each in an order of its own."""
    loop = ShuffledLoop()

    async def rounds() -> None:
        database = await new_database(folder / f"{round_of.__name__}.db")
        try:
            store = WatchedStore(database)
            passwords = Passwords(Cost(1, 8, 1))
            hashes = {each: await passwords.hash(each) for each in (OLD, NEW, OWNERS)}
            scene = Scene(store, Login(store, Sealed(), Clocks(lambda: NOW, lambda: NOW)), passwords, hashes)
            await scene.begin()
            options = scene.login.passkeys.begin("eve", SITE, SOCKET)
            await scene.login.passkeys.confirm("eve", "x", scene.device.create(options, SITE), SITE, SOCKET)
            (scene.key,) = scene.login._ledger.passkeys.values()
            for seed in range(count):
                loop.dice.seed(seed)
                try:
                    await scene.begin(factor=factor)
                    await round_of(scene)
                    await scene.check()
                except BaseException as error:
                    error.add_note(f"seed {seed}")
                    raise
        finally:
            await database.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(rounds())

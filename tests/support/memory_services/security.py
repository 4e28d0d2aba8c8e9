"""Services about keys, secrets, images and the audit log, and a login, in memory."""

import contextlib
import sqlite3
import weakref
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from archipelago.api.apps import ChangePreview
from archipelago.api.operations import Operation, OperationKind
from archipelago.api.security import AppSecurity, ContainerProfiles, PackageChange, SecretView
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit.chain import AuditAction, AuditEntry, AuditVerdict, Head
from archipelago.security.keys.node_key import KeyState
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import host_clocks
from archipelago.storage.records.signers import SignerRule
from archipelago.storage.schema import create_tables
from archipelago.storage.stores.accounts import AccountStore, Book, Settled
from support.memory_services.apps import NOW, MemoryApps
from support.sealed_keys import Sealed


class MemoryAccounts(AccountStore):
    """Keeps the accounts in memory: what the login knows ends with it."""

    def __init__(self) -> None:
        # It may be collected, and so closed, in another thread.
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.deserialize(_tables())
        self._number = 0
        weakref.finalize(self, self._connection.close)

    async def run(self, work: Callable[[Book], Any]) -> Settled:
        with self._connection:
            book = Book(self._connection)
            result = work(book)
            self._number += 1
            return Settled(result, book.logins(), self._number)


@cache
def _tables() -> bytes:
    """Return a database without rows; to load it takes a tenth of the time of making its tables."""
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        create_tables(made)
        made.commit()
        return made.serialize()


def memory_login() -> Login:
    """Return a login whose passwords cost next to nothing."""
    return Login(MemoryAccounts(), Sealed(), host_clocks(), passwords=Passwords(Cost(1, 8, 1)))


class MemorySites:
    """One page that is behind the node's login."""

    guarded = frozenset({"http://specter.localhost:8481"})


class MemoryAudit:
    public_key = "a key"

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, audited: AuditAction) -> int:
        number = len(self.entries) + 1
        self.entries.append(AuditEntry(sequence=number, at=NOW, **dict(audited)))
        return number

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        return tuple(self.entries[-limit:])

    async def lines(self, after: int, limit: int) -> tuple[str, ...]:
        return tuple(entry.model_dump_json() for entry in self.entries[after : after + limit])

    async def verify(self) -> AuditVerdict:
        return AuditVerdict(entries=len(self.entries), head=Head(), faults=())


class MemoryKey:
    async def state(self) -> KeyState:
        return KeyState.PLAIN

    async def unlock(self, passphrase: str, source: Source) -> None: ...
    async def restore(self, words: str) -> None: ...
    async def protect(self, passphrase: str, current: str | None) -> None: ...
    async def unprotect(self, current: str) -> None: ...
    async def phrase(self, current: str | None) -> str:
        return "abandon art"


class MemorySecrets:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps
        self._given: dict[tuple[str, str], str] = {}
        self.confirmed = False

    async def secrets(self, app: str) -> tuple[SecretView, ...]:
        self._apps.require(app)
        return (
            SecretView(name="probe", created_at=NOW),
            SecretView(name="seed", created_at=NOW, permanent=True, words=24, confirmed=self.confirmed),
        )

    async def confirm_words(self, app: str, name: str, words: Mapping[int, str]) -> None:
        self._apps.require(app)
        if any(word != "abandon" for word in words.values()):
            raise NodeError(ErrorCode.INVALID_VALUE, "these are not the words at these places", hint="look again")
        self.confirmed = True

    async def reveal_secret(self, app: str, name: str) -> str:
        return self._given.get((app, name), "hunter2")

    async def secrets_preview(self, app: str, name: str | None) -> ChangePreview:
        self._apps.require(app)
        return ChangePreview(app=app, interrupts=())

    async def set_secret(self, app: str, name: str, value: str, agreed: object = None) -> Operation:
        self._given[app, name] = value
        return await self._apps.change(OperationKind.SECRETS, app, name)

    async def rotate_secrets(self, app: str, name: str | None, agreed: object = None) -> Operation:
        return await self._apps.change(OperationKind.SECRETS, app, name)


class MemorySigners:
    async def rules(self) -> tuple[SignerRule, ...]:
        return (SignerRule("ghcr.io/acme", "unsigned", NOW.timestamp()),)

    async def accept(self, publisher: str, signer: str) -> None: ...
    async def forget(self, publisher: str) -> None: ...


class MemorySboms:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def document(self, app: str, container: str | None) -> dict[str, Any]:
        self._apps.require(app)
        return {"components": [{"purl": "pkg:deb/debian/busybox@1", "name": "busybox", "version": "1"}]}

    async def changes(self, app: str, container: str | None) -> tuple[PackageChange, ...]:
        return (PackageChange(ecosystem="deb", name="busybox", before="1", after=None),)


class MemoryConfinement:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def report(self) -> tuple[AppSecurity, ...]:
        return ()

    def profiles(self, app: str) -> tuple[ContainerProfiles, ...]:
        self._apps.require(app)
        return ()

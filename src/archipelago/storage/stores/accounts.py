"""Who may log in: accounts, sessions, tokens and passkeys, in the state database."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from sqlite3 import Connection, Row
from typing import Any, TypeVar

from archipelago.storage.database import Database
from archipelago.storage.records.logins import LoginNotice, Logins, Passkey, SecondFactor, Session, Token, User
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.stores.rows import insert, upsert

_NOTICES_EACH = 20
_ROLES = frozenset(each.value for each in Role)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a transaction returned, and what is kept since."""

    result: Any
    kept: Logins
    number: int
    """Of the transaction; a larger one came later."""


class AccountStore:
    """Runs transactions on the accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = 0

    async def run(self, work: Callable[["Book"], T]) -> Settled:
        """Run `work` in one transaction, and return what it returned with everything that is kept then.

        Nothing else reads or writes in between: what `work` finds is so until its own changes are kept. Where it
        raises, nothing is changed.
        """

        def transaction(connection: Connection) -> Settled:
            book = Book(connection)
            result = work(book)
            self._number += 1  # in the database's one thread
            return Settled(result, book.logins(), self._number)

        return await self._database.run(transaction)


class Book:
    """The accounts, within one transaction. Blocking; good only until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def logins(self) -> Logins:
        """Return everything."""
        return Logins(
            users=self.users(),
            sessions=tuple(Session(**row) for row in self._rows("SELECT * FROM sessions ORDER BY key")),
            tokens=self.tokens(),
            passkeys=self.passkeys(None),
            notices=tuple(LoginNotice(**row) for row in self._rows("SELECT * FROM account_notices ORDER BY id")),
        )

    # --- accounts ---------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User | None:
        """Return an account, or None."""
        return next((one for one in self.users() if one.name == name), None)

    def users(self) -> tuple[User, ...]:
        """Return all accounts; one whose role this version does not know may do nothing, and stays as it is."""
        rows = self._rows("SELECT * FROM users ORDER BY name")
        return tuple(_user(row) for row in rows if row["role"] in _ROLES)

    def change_user(self, user: User, *, sessions_go_on: bool = False, marks_go_on: bool = True) -> User:
        """Write an account, new or changed, under a version that no account had before.

        Its sessions end, unless they go on; so do the marks of devices where they do not.
        """
        (number,) = self._connection.execute("SELECT coalesce(max(latest), 0) FROM account_changes").fetchone()
        self._connection.execute("DELETE FROM account_changes")
        insert(self._connection, "account_changes", {"latest": number + 1})
        marks_from = user.marks_from if marks_go_on and user.version else number + 1
        changed = replace(user, version=number + 1, marks_from=marks_from)
        if sessions_go_on:
            values = (changed.version, user.name, user.version)
            self._connection.execute("UPDATE sessions SET version = ? WHERE user = ? AND version = ?", values)
        else:
            self._connection.execute("DELETE FROM sessions WHERE user = ?", (user.name,))
        self.keep_user(changed)
        return changed

    def keep_user(self, user: User) -> None:
        """Write an account of which nothing changed that others count on: a code was used up."""
        factor = user.factor
        upsert(
            self._connection,
            "users",
            {
                "name": user.name,
                "role": user.role.value,
                "password": user.password,
                "created_at": user.created_at,
                "totp": factor.sealed if factor else None,
                "totp_step": factor.last_step if factor else 0,
                "recovery": json.dumps(factor.recovery if factor else ()),
                "version": user.version,
                "marks_from": user.marks_from,
            },
        )

    def remove_user(self, name: str) -> None:
        """Remove an account with all that belongs to it."""
        self._connection.execute("DELETE FROM sessions WHERE user = ?", (name,))
        self._connection.execute("DELETE FROM passkeys WHERE user = ?", (name,))
        self._connection.execute("DELETE FROM account_notices WHERE user = ?", (name,))
        self._connection.execute("DELETE FROM preferences WHERE user = ?", (name,))
        self._connection.execute("DELETE FROM users WHERE name = ?", (name,))

    # --- sessions and tokens ----------------------------------------------------------------------------------------

    def session(self, key: str) -> Session | None:
        """Return a session, or None."""
        row = self._connection.execute("SELECT * FROM sessions WHERE key = ?", (key,)).fetchone()
        return Session(**row) if row is not None else None

    def add_session(self, session: Session, *, most: int) -> None:
        """Start a session; of those of the account that were used longest ago, so many go that `most` are left."""
        insert(self._connection, "sessions", asdict(session))
        others = "SELECT key FROM sessions WHERE user = ? AND key != ? ORDER BY used_at DESC, key"
        rows = self._connection.execute(others, (session.user, session.key)).fetchall()
        self.remove_sessions(row["key"] for row in rows[most - 1 :])

    def remove_sessions(self, keys: Iterable[str]) -> None:
        """Remove sessions."""
        self._remove("DELETE FROM sessions WHERE key = ?", keys)

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens."""
        return tuple(map(_token, self._rows("SELECT * FROM tokens ORDER BY key")))

    def save_token(self, token: Token) -> None:
        """Write a token."""
        row = {**asdict(token), "permissions": json.dumps(sorted(token.permissions))}
        upsert(self._connection, "tokens", row)

    def remove_tokens(self, keys: Iterable[str]) -> None:
        """Remove tokens."""
        self._remove("DELETE FROM tokens WHERE key = ?", keys)

    def note_use(self, used_at: Mapping[str, float]) -> None:
        """Write down when sessions and tokens were used last; what is gone stays gone."""
        rows = [(moment, key) for key, moment in used_at.items()]
        self._connection.executemany("UPDATE sessions SET used_at = ? WHERE key = ?", rows)
        self._connection.executemany("UPDATE tokens SET used_at = ? WHERE key = ?", rows)

    def end_future(self, now: float) -> None:
        """Take a clock that was ahead back out of what is kept: nothing was started after now."""
        self._connection.execute(
            "UPDATE sessions SET used_at = min(used_at, :now), created_at = min(created_at, :now)", {"now": now}
        )
        self._connection.execute(
            "UPDATE tokens SET expires_at = expires_at - (created_at - :now), created_at = :now, used_at = 0.0"
            " WHERE created_at > :now",
            {"now": now},
        )

    # --- passkeys ---------------------------------------------------------------------------------------------------

    def passkey(self, identity: str) -> Passkey | None:
        """Return a passkey, or None."""
        row = self._connection.execute("SELECT * FROM passkeys WHERE id = ?", (identity,)).fetchone()
        return Passkey(**row) if row is not None else None

    def passkeys(self, user: str | None) -> tuple[Passkey, ...]:
        """Return the passkeys of an account, or all."""
        found = (Passkey(**row) for row in self._rows("SELECT * FROM passkeys ORDER BY id"))
        return tuple(one for one in found if user in (None, one.user))

    def save_passkey(self, passkey: Passkey) -> None:
        """Write a passkey."""
        upsert(self._connection, "passkeys", asdict(passkey))

    def remove_passkeys(self, identities: Iterable[str]) -> None:
        """Remove passkeys."""
        self._remove("DELETE FROM passkeys WHERE id = ?", identities)

    # --- notices and facts ------------------------------------------------------------------------------------------

    def tell(self, people: Iterable[str], notice: LoginNotice) -> None:
        """Leave a notice to each of these accounts; each keeps its newest ones."""
        for name in people:
            row = {**asdict(notice), "user": name}
            del row["id"]
            insert(self._connection, "account_notices", row)
            newest = "SELECT id FROM account_notices WHERE user = ? ORDER BY id DESC"
            rows = self._connection.execute(newest, (name,)).fetchall()
            self._remove("DELETE FROM account_notices WHERE id = ?", (row["id"] for row in rows[_NOTICES_EACH:]))

    def dismiss(self, name: str, identity: int) -> bool:
        """Remove a notice of an account; return whether there was such a one."""
        statement = "DELETE FROM account_notices WHERE user = ? AND id = ?"
        return bool(self._connection.execute(statement, (name, identity)).rowcount)

    def fact(self, key: str) -> str | None:
        """Return a lasting fact of this node, or None."""
        row = self._connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def set_fact(self, key: str, value: str) -> None:
        """Change a lasting fact of this node."""
        upsert(self._connection, "facts", {"key": key, "value": value})

    def _rows(self, query: str) -> Iterable[Row]:
        return self._connection.execute(query)

    def _remove(self, statement: str, keys: Iterable[object]) -> None:
        self._connection.executemany(statement, [(key,) for key in keys])


def _user(row: Row) -> User:
    factor = None
    if row["totp"] is not None:
        factor = SecondFactor(row["totp"], row["totp_step"], tuple(json.loads(row["recovery"])))
    return User(
        name=row["name"],
        role=Role(row["role"]),
        password=row["password"],
        created_at=row["created_at"],
        factor=factor,
        version=row["version"],
        marks_from=row["marks_from"],
    )


def _token(row: Row) -> Token:
    # A newer version may have given one that this version has nothing to allow with.
    permissions = frozenset(each for each in Permission if each.value in json.loads(row["permissions"]))
    return Token(row["key"], row["name"], permissions, row["created_at"], row["expires_at"], row["used_at"])

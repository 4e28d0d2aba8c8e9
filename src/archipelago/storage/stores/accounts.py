"""Who may log in: accounts, sessions, tokens and passkeys, in the state database."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, delete, func, insert, select, update

from archipelago.storage.database import Database
from archipelago.storage.records.logins import LoginNotice, Logins, Passkey, SecondFactor, Session, Token, User
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.schema import account_changes, account_notices, facts, passkeys, sessions, tokens, users
from archipelago.storage.stores.upserts import upsert

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
            sessions=tuple(Session(**row) for row in self._rows(sessions)),
            tokens=tuple(map(_token, self._rows(tokens))),
            passkeys=tuple(Passkey(**row) for row in self._rows(passkeys)),
            notices=tuple(LoginNotice(**row) for row in self._rows(account_notices)),
        )

    # --- accounts ---------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User | None:
        """Return an account, or None."""
        return next((one for one in self.users() if one.name == name), None)

    def users(self) -> tuple[User, ...]:
        """Return all accounts; one whose role this version does not know may do nothing, and stays as it is."""
        return tuple(_user(row) for row in self._rows(users) if row["role"] in _ROLES)

    def change_user(self, user: User, *, sessions_go_on: bool = False, marks_go_on: bool = True) -> User:
        """Write an account, new or changed, under a version that no account had before.

        Its sessions end, unless they go on; so do the marks of devices where they do not.
        """
        number = self._connection.execute(select(func.max(account_changes.c.latest))).scalar() or 0
        self._connection.execute(delete(account_changes))
        self._connection.execute(insert(account_changes).values(latest=number + 1))
        marks_from = user.marks_from if marks_go_on and user.version else number + 1
        changed = replace(user, version=number + 1, marks_from=marks_from)
        if sessions_go_on:
            kept = (sessions.c.user == user.name) & (sessions.c.version == user.version)
            self._connection.execute(update(sessions).where(kept).values(version=changed.version))
        else:
            self._connection.execute(delete(sessions).where(sessions.c.user == user.name))
        self.keep_user(changed)
        return changed

    def keep_user(self, user: User) -> None:
        """Write an account of which nothing changed that others count on: a code was used up."""
        factor = user.factor
        self._write(
            users,
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
        for table in (sessions, passkeys, account_notices):
            self._connection.execute(delete(table).where(table.c.user == name))
        self._connection.execute(delete(users).where(users.c.name == name))

    # --- sessions and tokens ----------------------------------------------------------------------------------------

    def session(self, key: str) -> Session | None:
        """Return a session, or None."""
        row = self._connection.execute(select(sessions).where(sessions.c.key == key)).mappings().first()
        return Session(**row) if row is not None else None

    def add_session(self, session: Session, *, most: int) -> None:
        """Start a session; of those of the account that were used longest ago, so many go that `most` are left."""
        self._connection.execute(insert(sessions).values(asdict(session)))
        newest = (
            select(sessions.c.key)
            .where(sessions.c.user == session.user, sessions.c.key != session.key)
            .order_by(sessions.c.used_at.desc(), sessions.c.key)
            .limit(most - 1)
        )
        others = (sessions.c.user == session.user) & (sessions.c.key != session.key)
        self._connection.execute(delete(sessions).where(others & sessions.c.key.not_in(newest)))

    def remove_sessions(self, keys: Iterable[str]) -> None:
        """Remove sessions."""
        self._connection.execute(delete(sessions).where(sessions.c.key.in_(tuple(keys))))

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens."""
        return tuple(map(_token, self._rows(tokens)))

    def save_token(self, token: Token) -> None:
        """Write a token."""
        self._write(tokens, {**asdict(token), "permissions": json.dumps(sorted(token.permissions))})

    def remove_tokens(self, keys: Iterable[str]) -> None:
        """Remove tokens."""
        self._connection.execute(delete(tokens).where(tokens.c.key.in_(tuple(keys))))

    def note_use(self, used_at: Mapping[str, float]) -> None:
        """Write down when sessions and tokens were used last; what is gone stays gone."""
        for table in (sessions, tokens):
            for key, moment in used_at.items():
                self._connection.execute(update(table).where(table.c.key == key).values(used_at=moment))

    def end_future(self, now: float) -> None:
        """Take a clock that was ahead back out of what is kept: nothing was started after now."""
        self._connection.execute(update(sessions).values(used_at=func.min(sessions.c.used_at, now)))
        self._connection.execute(update(sessions).values(created_at=func.min(sessions.c.created_at, now)))
        ahead = tokens.c.created_at - now
        self._connection.execute(
            update(tokens).where(ahead > 0).values(expires_at=tokens.c.expires_at - ahead, created_at=now, used_at=0.0)
        )

    # --- passkeys ---------------------------------------------------------------------------------------------------

    def passkey(self, identity: str) -> Passkey | None:
        """Return a passkey, or None."""
        row = self._connection.execute(select(passkeys).where(passkeys.c.id == identity)).mappings().first()
        return Passkey(**row) if row is not None else None

    def passkeys(self, user: str | None) -> tuple[Passkey, ...]:
        """Return the passkeys of an account, or all."""
        found = (Passkey(**row) for row in self._rows(passkeys))
        return tuple(one for one in found if user in (None, one.user))

    def save_passkey(self, passkey: Passkey) -> None:
        """Write a passkey."""
        self._write(passkeys, asdict(passkey))

    def remove_passkeys(self, identities: Iterable[str]) -> None:
        """Remove passkeys."""
        self._connection.execute(delete(passkeys).where(passkeys.c.id.in_(tuple(identities))))

    # --- notices and facts ------------------------------------------------------------------------------------------

    def tell(self, people: Iterable[str], notice: LoginNotice) -> None:
        """Leave a notice to each of these accounts; each keeps its newest ones."""
        told = account_notices
        for name in people:
            row = {**asdict(notice), "user": name}
            del row["id"]
            self._connection.execute(insert(told).values(row))
            newest = select(told.c.id).where(told.c.user == name).order_by(told.c.id.desc()).limit(_NOTICES_EACH)
            self._connection.execute(delete(told).where((told.c.user == name) & told.c.id.not_in(newest)))

    def dismiss(self, name: str, identity: int) -> bool:
        """Remove a notice of an account; return whether there was such a one."""
        told = account_notices
        return bool(self._connection.execute(delete(told).where(told.c.user == name, told.c.id == identity)).rowcount)

    def fact(self, key: str) -> str | None:
        """Return a lasting fact of this node, or None."""
        return self._connection.execute(select(facts.c.value).where(facts.c.key == key)).scalar()

    def set_fact(self, key: str, value: str) -> None:
        """Change a lasting fact of this node."""
        self._write(facts, {"key": key, "value": value})

    def _rows(self, table: Table) -> Iterable[RowMapping]:
        return self._connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()

    def _write(self, table: Table, row: dict[str, Any]) -> None:
        self._connection.execute(upsert(table, row))


def _user(row: RowMapping) -> User:
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


def _token(row: RowMapping) -> Token:
    # A newer version may have given one that this version has nothing to allow with.
    permissions = frozenset(each for each in Permission if each.value in json.loads(row["permissions"]))
    return Token(row["key"], row["name"], permissions, row["created_at"], row["expires_at"], row["used_at"])

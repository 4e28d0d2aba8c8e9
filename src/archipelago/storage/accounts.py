"""Who may log in: accounts, sessions and tokens, in the state database."""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from archipelago.security.login.records import Passkey, SecondFactor, Session, Token, User
from archipelago.security.permissions import Permission, Role
from archipelago.storage.database import Database
from archipelago.storage.schema import passkeys, sessions, tokens, users


@dataclass(frozen=True, slots=True)
class Logins:
    """Everything that is kept of logins."""

    users: tuple[User, ...]
    sessions: tuple[Session, ...]
    tokens: tuple[Token, ...]
    passkeys: tuple[Passkey, ...] = ()


class AccountStore:
    """Reads and writes accounts; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Logins:
        """Return everything."""
        return await self._database.run(_load)

    async def save_user(self, user: User) -> None:
        """Write an account."""
        factor = user.factor
        row = {
            "name": user.name,
            "role": user.role.value,
            "password": user.password,
            "created_at": user.created_at,
            "totp": factor.sealed if factor else None,
            "totp_step": factor.last_step if factor else 0,
            "recovery": json.dumps(factor.recovery if factor else ()),
        }
        statement = upsert(users).values(row).on_conflict_do_update(index_elements=["name"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def remove_user(self, name: str) -> None:
        """Remove an account with its sessions."""

        def work(connection: Connection) -> None:
            connection.execute(delete(sessions).where(sessions.c.user == name))
            connection.execute(delete(passkeys).where(passkeys.c.user == name))
            connection.execute(delete(users).where(users.c.name == name))

        await self._database.run(work)

    async def save_session(self, session: Session) -> None:
        """Write a session."""
        row = {
            "key": session.key,
            "user": session.user,
            "created_at": session.created_at,
            "used_at": session.used_at,
            "origin": session.origin,
            "agent": session.agent,
        }
        statement = upsert(sessions).values(row).on_conflict_do_update(index_elements=["key"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def remove_sessions(self, keys: tuple[str, ...]) -> None:
        """Remove sessions."""
        await self._database.run(
            lambda connection: connection.execute(delete(sessions).where(sessions.c.key.in_(keys)))
        )

    async def save_passkey(self, passkey: Passkey) -> None:
        """Write a passkey."""
        row = asdict(passkey)
        statement = upsert(passkeys).values(row).on_conflict_do_update(index_elements=["id"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def remove_passkey(self, identity: str) -> None:
        """Remove a passkey."""
        await self._database.run(
            lambda connection: connection.execute(delete(passkeys).where(passkeys.c.id == identity))
        )

    async def save_token(self, token: Token) -> None:
        """Write a token."""
        row = {
            "key": token.key,
            "name": token.name,
            "permissions": json.dumps(sorted(token.permissions)),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "used_at": token.used_at,
        }
        statement = upsert(tokens).values(row).on_conflict_do_update(index_elements=["key"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def remove_token(self, key: str) -> None:
        """Remove a token."""
        await self._database.run(lambda connection: connection.execute(delete(tokens).where(tokens.c.key == key)))


def _load(connection: Connection) -> Logins:
    return Logins(
        users=tuple(_user(row) for row in connection.execute(select(users)).mappings()),
        sessions=tuple(Session(**row) for row in connection.execute(select(sessions)).mappings()),
        tokens=tuple(_token(row) for row in connection.execute(select(tokens)).mappings()),
        passkeys=tuple(Passkey(**row) for row in connection.execute(select(passkeys)).mappings()),
    )


def _user(row: RowMapping) -> User:
    factor = None
    if row["totp"] is not None:
        factor = SecondFactor(row["totp"], row["totp_step"], tuple(json.loads(row["recovery"])))
    return User(row["name"], Role(row["role"]), row["password"], row["created_at"], factor)


def _token(row: RowMapping) -> Token:
    permissions = frozenset(map(Permission, json.loads(row["permissions"])))
    return Token(row["key"], row["name"], permissions, row["created_at"], row["expires_at"], row["used_at"])

"""What an owner does with the secrets of an app: list, show, set, replace."""

import asyncio
import secrets
from collections.abc import Sequence

from archipelago.api.security import SecretView
from archipelago.container.manifest.model.scalars import is_one_line
from archipelago.container.manifest.model.settings import SecretKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.key_files import is_private_pem
from archipelago.security.secrets.manager import EDGE_BYTES, EDGE_KIND, SecretsManager
from archipelago.security.secrets.secret_names import is_address
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


class AppSecrets:
    """Reads and changes the secrets of apps. Every refusal is a `NodeError`."""

    def __init__(self, secrets: SecretsManager) -> None:
        self._secrets = secrets
        self._given: dict[str, str] = {}
        """Values of the owner's by ticket, until they are set. The operation is kept on disk, and they are not."""

    async def list(self, record: AppRecord) -> tuple[SecretView, ...]:
        """List the secrets of an app, those of its consumers too."""

        def read() -> tuple[SecretView, ...]:
            return tuple(self._view(record, name) for name in self._secrets.list(record.app))

        return await asyncio.to_thread(read)

    def _view(self, record: AppRecord, name: str) -> SecretView:
        declared = record.package.manifest.secrets.get(name)
        words = declared.kind.words if declared is not None else None
        secret = self._secrets.get(record.app, name) if words is not None else None
        return SecretView(
            name=name,
            created_at=self._secrets.created_at(record.app, name),
            permanent=name in _staying(record),
            words=words,
            confirmed=secret is not None and secret.confirmed,
        )

    async def show(self, record: AppRecord, name: str) -> str:
        """Return a secret."""
        await self.named(record, name)
        found = await asyncio.to_thread(self._secrets.get, record.app, name)
        assert found is not None
        return found.reveal()

    async def named(self, record: AppRecord, name: str | None) -> tuple[str, ...]:
        """Return the name that is meant, or all."""
        names = await asyncio.to_thread(self._secrets.list, record.app)
        if name is None:
            # Whoever has secrets replaced because one of them may have leaked wants to be found where he was.
            return tuple(each for each in names if not is_address(each))
        if name not in names:
            known = ", ".join(names) or "none"
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{app} has no secret {name}", app=record.app, name=f"{name!r}"),
                hint=msg("it has {known}", known=known),
            )
        return (name,)

    async def replaceable(self, record: AppRecord, name: str | None) -> tuple[str, ...]:
        """Return the name that is meant, or all that are ever replaced; refuses one that stays as it is."""
        staying = _staying(record)
        if name in staying:
            raise _stays(record.app, name)
        return tuple(each for each in await self.named(record, name) if each not in staying)

    async def read_again(self, app: str) -> None:
        """Have the secrets of an app read from the disk again, where others were put."""
        await asyncio.to_thread(self._secrets.read_again, app)

    def take(self, record: AppRecord, name: str, value: str) -> str:
        """Take a value of the owner's for a secret of the manifest; return the ticket by which it is set soon."""
        if name not in record.package.manifest.secrets:
            known = ", ".join(sorted(record.package.manifest.secrets)) or "none"
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{app} declares no secret {name}", app=record.app, name=f"{name!r}"),
                hint=msg("it declares {known}; the logins of its consumers are the node's to make", known=known),
            )
        if record.package.manifest.secrets[name].stays:
            raise _stays(record.app, name)
        if record.package.manifest.secrets[name].kind is SecretKind.KEYPAIR:
            _require_key(record.app, name, value)
        elif not is_one_line(value):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("the secret '{name}' of {app} is one line of text", name=name, app=record.app),
                hint=msg("take line breaks and control characters out; only a keypair has several lines"),
            )
        ticket = secrets.token_hex(8)
        self._given[ticket] = value
        return ticket

    def drop(self, ticket: str) -> None:
        """Forget a value that is not to be set after all."""
        self._given.pop(ticket, None)

    async def change(self, record: AppRecord, names: Sequence[str], *, ticket: str | None) -> None:
        """Replace secrets, or set one to what was taken for a ticket."""

        def work() -> None:
            for name in names:
                declared = record.package.manifest.secrets.get(name)
                if ticket is None:
                    kind, size = (declared.kind, declared.bytes) if declared else (EDGE_KIND, EDGE_BYTES)
                    self._secrets.renew(record.app, name, kind, size)
                elif (value := self._given.pop(ticket, None)) is not None:
                    self._secrets.replace(record.app, name, value)
                else:
                    raise NodeError(
                        ErrorCode.CANCELLED,
                        msg("the node ended before the value was kept"),
                        hint=msg("set the secret again"),
                    )

        await asyncio.to_thread(work)


def _staying(record: AppRecord) -> frozenset[str]:
    """Return the secrets of an app that are never replaced."""
    return frozenset(name for name, declared in record.package.manifest.secrets.items() if declared.stays)


def _stays(app: str, name: str) -> NodeError:
    return NodeError(
        ErrorCode.INVALID_VALUE,
        msg("the secret '{name}' of {app} cannot be replaced: it opens what the app has", name=name, app=app),
        hint=msg("'archipelago secret show {app} {name}' shows it", app=app, name=name),
    )


def _require_key(app: str, name: str, value: str) -> None:
    """Refuse what is no key: a template that needs its public half would fail, when the secret is in use already."""
    if not is_private_pem(value):
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg(
                "the secret '{name}' of {app} is a keypair, and this is no private Ed25519 key (PEM) "
                "without a passphrase",
                name=name,
                app=app,
            ),
            hint=msg(
                "give all of the key's file: 'archipelago secret set {app} {name} --stdin <FILE'", app=app, name=name
            ),
        )

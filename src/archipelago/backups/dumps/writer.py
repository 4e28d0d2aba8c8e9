"""Has database servers of an app that runs write their dumps."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from archipelago.backups.databases import refused_hint
from archipelago.backups.dumps.commands import ServerDatabase, dump_commands
from archipelago.backups.dumps.streams import DumpStreams
from archipelago.container.podman_client.errors import NotFound, PodmanConflict, PodmanError
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError, trouble_code
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.secret import Secret
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Dumped:
    """A dump that is whole."""

    file: str
    """Its name in the folder of dumps."""


@dataclass(frozen=True, slots=True)
class NotDumped:
    """Nothing was dumped: the volume has to be copied while the app is stopped."""

    why: str


@dataclass(frozen=True, slots=True)
class DumpWriter:
    """Writes dumps. Raises `NodeError` where one is not whole: it may be that the database is damaged."""

    streams: DumpStreams
    secrets: SecretsManager

    async def write(
        self, workload: Workload, volume: str, database: ServerDatabase, folder: Path
    ) -> Dumped | NotDumped:
        """Dump the server of a volume into a folder."""
        commands = dump_commands(database)
        name = next((each.name for each in workload.containers if each.container == commands.container), None)
        if name is None:
            return NotDumped(msg("the app does not run"))
        file = commands.file(volume)
        try:
            secret = await server_secret(self.secrets, workload.app, commands.secret)
            ended = await self.streams.dump(name, commands, secret, folder / file)
        except (NotFound, PodmanConflict):
            return NotDumped(msg("the app does not run"))
        except PodmanError as error:
            if error.status is None:
                raise
            return NotDumped(str(error))
        if ended.cut_off:
            raise _refused(workload.app, msg("the dump is cut off"))
        if not ended.size:
            return NotDumped(ended.reason)
        if ended.code != 0:
            raise _refused(workload.app, ended.reason)
        if commands.ending not in ended.tail:
            raise _refused(workload.app, msg("the dump is cut off"))
        return Dumped(file)


async def server_secret(secrets: SecretsManager, app: str, name: str | None) -> Secret | None:
    """Return the password of a server; None where it asks for none."""
    return None if name is None else await asyncio.to_thread(secrets.get, app, name)


def _refused(app: str, error: str) -> NodeError:
    return NodeError(
        trouble_code(error),
        msg("a database of {app} cannot be dumped: {error}", app=app, error=error),
        hint=refused_hint(app, error),
        data={"app": app},
    )

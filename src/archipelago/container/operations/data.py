"""What the owner does about data: gives up what is lost, and looks after what was kept."""

from collections.abc import Callable
from dataclasses import dataclass

from archipelago.api.data import ContestedStateView, KeptData, StreamView
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.lease_keeper import LeaseKeeper
from archipelago.container.data.volumes import AppData
from archipelago.container.desired.installed_apps import not_installed
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.streams import Streams
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class DataService:
    """Answers the methods about data. Raises `NodeError`."""

    volumes: VolumeKeeper
    leases: LeaseKeeper
    file_streams: Streams
    kept: KeptStore
    data: AppData
    operations: Operations
    desired: Callable[[], DesiredState]
    look_again: Callable[[str], None]
    """Has the keeper of an app look at once."""

    async def start_empty(self, app: str, volumes: tuple[str, ...]) -> None:
        """Have an installed app start with new, empty volumes in place of these, which are lost."""
        with self.operations.kept_away(app):
            found = self._found(app)
            await self.volumes.start_empty(found.workload, volumes)
            await self.leases.forget(app, volumes)
        self.look_again(app)

    async def contested(self, app: str) -> tuple[ContestedStateView, ...]:
        """Return the states of an installed app that it may not run on, and why."""
        found = self._found(app)
        wrong = await self.leases.report(found.workload, found.record)
        return tuple(
            ContestedStateView(volume=each.volume, what=each.what, remedy=each.remedy(app), evidence=each.evidence)
            for each in wrong
        )

    async def claim(self, app: str, evidence: tuple[str, ...]) -> None:
        """Have an installed app run on its states although something speaks against it: what its owner has seen."""
        found = self._found(app)
        await self.leases.grant(found.workload, found.record, evidence)
        self.look_again(app)

    async def streams(self, app: str | None) -> tuple[StreamView, ...]:
        """Return how it stands with the streamed files of an app, or of all."""
        return await self.file_streams.view(app)

    async def list_kept(self) -> tuple[KeptData, ...]:
        """Return the data that outlived the removal of its app, the oldest first."""
        return await self.kept.list()

    async def restore_kept(self, app: str, kept: str) -> None:
        """Bring kept data back, for the next installation of its app."""
        # An app that is installed meanwhile would use the directory that is about to be replaced.
        with self.operations.kept_away(app):
            self._refuse_if_used(app)
            await self.kept.restore(app, kept)

    async def delete_kept(self, app: str, kept: str) -> None:
        """Delete kept data, for ever."""
        # One that is installed meanwhile would lose its user ids, and another app would get them.
        with self.operations.kept_away(app):
            await self.kept.delete(app, kept)
            if app not in self.desired().apps:
                await self.data.forget_if_nothing_is_left(app)

    def _found(self, app: str) -> DesiredApp:
        found = self.desired().apps.get(app)
        if found is None:
            raise not_installed(app)
        return found

    def _refuse_if_used(self, app: str) -> None:
        if app in self.desired().apps:
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg("{app} is installed, and has data of its own", app=app),
                hint=msg(
                    "set that aside first: 'archipelago remove {app} --delete-data'; then restore, and install it",
                    app=app,
                ),
            )

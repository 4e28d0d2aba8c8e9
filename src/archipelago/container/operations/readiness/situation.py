"""When an app is ready, when an operation stops waiting for it, and which app is to blame. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from archipelago.api.health import TROUBLED, WORKING, Health, HealthState
from archipelago.container.desired.state import DesiredState, provides
from archipelago.container.health_monitor.states import STATES
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_TRIES = 3
"""Restarts after which an operation stops waiting; the node itself never gives up."""
_MARGIN = 60.0
"""Seconds that an operation waits beyond the start times of the apps."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The apps as they are to be, and as they are at this moment."""

    desired: DesiredState
    health: Callable[[str], Health]

    def is_ready(self, app: str) -> bool:
        """Return whether an app does its work, or waits for a chain's download or for the end of a pause alone.

        Either may take days, and neither says anything about the app.
        """
        if self.desired.is_paused(app):
            return True
        state = self.health(app).state
        return state in WORKING or (state is HealthState.WAITING and self._waits_for_sync(app))

    def is_broken(self, app: str) -> bool:
        """Return whether an app is to run and does not do its work, for a reason of its own."""
        state = self.health(app).state
        failed = state in TROUBLED
        return app in self.desired.broken or (failed and self.desired.wanted(app))

    def should_give_up(self, app: str) -> bool:
        """Return whether waiting for an app is useless: its owner must act, or it has failed too often."""
        health = self.health(app)
        if app in self.desired.broken or health.needs_owner:
            return True
        match health.state:
            case HealthState.UNHEALTHY:
                return True
            case HealthState.FAILED | HealthState.BACKING_OFF if health.restarts >= _TRIES:
                return True
            case HealthState.WAITING:
                return any(self.should_give_up(edge.provider) for edge in self.desired.providers(app) if edge.gates)
        return not self.desired.wanted(app) and app not in self.desired.suspended

    def blocker(self, app: str) -> str:
        """Return the app that keeps another one from starting, or the app itself."""
        if self.health(app).state is HealthState.WAITING:
            for edge in self.desired.providers(app):
                if edge.gates and not edge.optional and self.should_give_up(edge.provider):
                    return self.blocker(edge.provider)
        return app

    def timeout(self, app: str) -> float:
        """Return the seconds to wait for an app: its start times, and those of all that it uses."""
        found = {app}
        waiting = [app]
        while waiting:
            used = {edge.provider for edge in self.desired.providers(waiting.pop())} - found
            found |= used
            waiting += used
        return _MARGIN + sum(
            container.health.start_timeout
            for name in found & self.desired.apps.keys()
            for container in self.desired.apps[name].workload.containers
            if container.health is not None
        )

    def remark(self, app: str) -> str:
        """Return the state of an app in words."""
        health = self.health(app)
        state = STATES[health.state]
        return msg("{state}: {reason}", state=state, reason=health.reason) if health.reason else state

    def error(self, app: str, what: str) -> NodeError:
        """Return the error NOT_HEALTHY of an app, with the last log lines of the one that is to blame.

        It is DISK_FULL where that one could not be started without room.
        """
        blocker = self.blocker(app)
        health = self.health(blocker)
        failure = health.failure
        cause = (failure.reason if failure is not None else health.reason) or STATES[health.state]
        if blocker != app:
            cause = msg("it needs {blocker}, of which: {cause}", blocker=blocker, cause=cause)
        full = failure is not None and failure.disk_full
        return NodeError(
            ErrorCode.DISK_FULL if full else ErrorCode.NOT_HEALTHY,
            msg("{app} {what}: {cause}", app=app, what=what, cause=cause),
            hint=msg(
                "it stays installed and the node goes on trying; see 'archipelago logs {blocker}'", blocker=blocker
            ),
            data={
                "app": blocker,
                "state": health.state.value,
                "logs": list(failure.logs) if failure is not None else [],
            },
        )

    def _waits_for_sync(self, app: str) -> bool:
        edges = [edge for edge in self.desired.providers(app) if edge.gates and not edge.optional]
        # One that may start while its provider syncs waits no longer, though its keeper may not have noticed.
        late = {edge.provider for edge in edges if not provides(self.health(edge.provider), edge.wait)}
        return bool(late) and all(
            self.health(provider).state is HealthState.SYNCING
            or (self.health(provider).state is HealthState.WAITING and self._waits_for_sync(provider))
            for provider in late
        )

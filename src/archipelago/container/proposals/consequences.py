"""What a change of one app does to others: who stops with it, who restarts, and who goes without it meanwhile. Pure."""

from collections.abc import Collection, Iterable, Sequence

from archipelago.api.apps import ChangePreview
from archipelago.container.dependency_resolver.plan import Action, Plan
from archipelago.container.desired.installed_apps import Records
from archipelago.container.desired.state import DesiredState
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.secret_names import consumer_of
from archipelago.storage.records.apps import Desired
from archipelago.support.texts.text import msg


def stop_preview(desired: DesiredState, app: str) -> ChangePreview:
    """Return what a stop of an installed app takes with it: those that cannot do without it, in their order."""
    stops = tuple(name for name in desired.needing(app) if name != app and desired.wanted(name))
    return ChangePreview(app=app, stops=stops, interrupts=interrupted(desired, (app, *stops)))


def restart_preview(desired: DesiredState, app: str) -> ChangePreview:
    """Return who goes without an installed app while it restarts."""
    return ChangePreview(app=app, interrupts=interrupted(desired, (app,)))


def secrets_preview(desired: DesiredState, app: str, names: Collection[str]) -> ChangePreview:
    """Return who may restart when secrets of an installed app change, and who goes without it meanwhile.

    A login concerns the consumer whose it is. Of a secret of the app's own, consumers get what an interface exports.
    """
    provides = desired.apps[app].record.package.manifest.provides
    whose = {consumer_of(name) for name in names}
    users = {
        edge.consumer
        for edge in desired.dependents(app)
        if edge.consumer in whose
        or (None in whose and any("secrets" in text for text in provides[edge.interface].exports.values()))
    }
    restarts = tuple(sorted(filter(desired.wanted, users)))
    return ChangePreview(app=app, restarts=restarts, interrupts=interrupted(desired, (app, *restarts)))


def interrupted(desired: DesiredState, apps: Collection[str]) -> tuple[str, ...]:
    """Return the apps that run on, and meanwhile miss what one of these gives them, directly or by others."""
    missing: dict[str, None] = {}
    waiting = list(apps)
    while waiting:
        for edge in desired.dependents(waiting.pop(0)):
            if edge.consumer not in apps and edge.consumer not in missing and desired.wanted(edge.consumer):
                missing[edge.consumer] = None
                if not edge.optional:
                    waiting.append(edge.consumer)
    return tuple(sorted(missing))


def require_agreed(app: str, agreed: Collection[str] | None, affected: Iterable[str]) -> None:
    """Raise `NodeError` where more is stopped, restarted or installed than the owner agreed to.

    None: he was shown nothing.
    """
    more = [name for name in affected if agreed is not None and name != app and name not in agreed]
    if more:
        raise NodeError(
            ErrorCode.BUSY,
            msg(
                "{more} would now be stopped, restarted or installed as well, which you have not agreed to",
                more=", ".join(more),
            ),
            hint=msg("look at the change again, then decide"),
            data={"apps": more},
        )


def with_restarts(plan: Plan, app: str, restarts: Sequence[str], desired: DesiredState) -> Plan:
    """Return a plan in which these apps, whose containers are made again once `app` has changed, are restarted."""
    because = msg("it is restarted, as its containers are made again with the new settings of {app}", app=app)
    apps = tuple(
        planned.model_copy(update={"action": Action.RESTART, "because": (*planned.because, because)})
        if planned.app in restarts and planned.action is Action.REUSE
        else planned
        for planned in plan.apps
    )
    # Of those that the owner has stopped nothing is restarted.
    apps = tuple(
        planned.model_copy(update={"action": Action.REUSE})
        if planned.action is Action.RESTART and planned.app in desired.apps and _is_stopped(desired, planned.app)
        else planned
        for planned in apps
    )
    again = {planned.app for planned in apps if planned.action is Action.RESTART}
    return plan.model_copy(update={"apps": apps, "interrupts": interrupted(desired, again)})


def _is_stopped(desired: DesiredState, app: str) -> bool:
    return desired.apps[app].record.desired is Desired.STOPPED


def require_needs_run(app: str, records: Records, plan: Plan) -> None:
    """Raise `NodeError` where an app that is to run would be bound to one that its owner stopped, and so stop as well.

    `records` are those before the plan is carried out.
    """
    now = records[app]
    if now.desired is Desired.STOPPED:
        return
    needs = [edge for edge in plan.edges if not edge.optional]
    new = [e.provider for e in needs if e.consumer == app and now.choices.get(e.interface) != e.provider]
    for provider in new:
        if provider in records and records[provider].desired is Desired.STOPPED:
            raise NodeError(
                ErrorCode.NOT_RUNNING,
                msg(
                    "{app} would need {provider} then, which is stopped, so it would stop too",
                    app=app,
                    provider=provider,
                ),
                hint=msg("start it first: 'archipelago start {provider}'", provider=provider),
                data={"app": provider},
            )
        new += [edge.provider for edge in needs if edge.consumer == provider and edge.provider not in new]

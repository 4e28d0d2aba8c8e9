"""What an owner sees of the configurations that an app has had, and what it takes to go back to one. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from archipelago.api.configuration import ConfigPreview, ConfigRevision, SettingChange
from archipelago.container.dependency_resolver.asks import disk_warnings
from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.proposals.consequences import interrupted
from archipelago.container.workload.volume_parts import changed_parts
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.revisions import Configuration, Revision
from archipelago.support.texts.text import msg

_CHOICE = "provider of "


def view(revision: Revision) -> ConfigRevision:
    """Return a revision as it leaves the node."""
    found = revision.configuration
    return ConfigRevision(
        number=revision.number,
        at=datetime.fromtimestamp(revision.at, UTC),
        why=revision.why,
        version=found.version,
        options=dict(found.options),
        choices=dict(found.choices),
    )


def find(revisions: Sequence[Revision], app: str, number: int) -> Configuration:
    """Return the configuration of a number. Raises `NodeError`."""
    for revision in revisions:
        if revision.number == number:
            return revision.configuration
    known = (
        msg("{oldest} to {newest}", oldest=revisions[-1].number, newest=revisions[0].number) if revisions else "none"
    )
    raise NodeError(
        ErrorCode.INVALID_VALUE,
        msg("{app} has no revision {number}", app=app, number=number),
        hint=msg("there are {known}", known=known),
    )


def changes(before: Configuration, after: Configuration) -> tuple[SettingChange, ...]:
    """Return what is different; options that the owner had not set have no value."""
    old, new = _flat(before), _flat(after)
    return tuple(
        SettingChange(what=what, before=old.get(what), after=new.get(what))
        for what in sorted({*old, *new})
        if old.get(what) != new.get(what)
    )


def preview(before: DesiredState, after: DesiredState, app: str, free_disk: int) -> ConfigPreview:
    """Return what is different once options of `app` are changed: effective values, who restarts, and what of data."""
    changed = []
    for planned in after.plan.apps:
        old = before.plan.planned(planned.app)
        prefix = "" if planned.app == app else f"{planned.app}: "
        changed += [
            SettingChange(what=prefix + name, before=old.options.get(name), after=value)
            for name, value in planned.options.items()
            if old is not None and old.options.get(name) != value
        ]
    restarts = tuple(
        name
        for name, wanted in sorted(after.apps.items())
        if after.wanted(name)
        and not wanted.problem
        and name in before.apps
        and before.apps[name].workload.hash != wanted.workload.hash
    )
    return ConfigPreview(
        changes=tuple(changed),
        restarts=restarts,
        installs=tuple(sorted(after.apps.keys() - before.apps.keys())),
        interrupts=interrupted(before, restarts),
        data=(*_other_data(before, after), *_more_disk(before, after, free_disk)),
    )


def _other_data(before: DesiredState, after: DesiredState) -> tuple[str, ...]:
    sentences = []
    for app, wanted in sorted(after.apps.items()):
        known = before.apps[app].workload.parts if app in before.apps else {}
        name = wanted.record.package.manifest.name
        for volume, (old, new) in changed_parts(known, wanted.workload.parts).items():
            sentences.append(
                msg(
                    "{name} keeps its data of {old} (volume {volume}) in case you change back, and "
                    "uses that of {new}, which is created if there is none yet",
                    name=name,
                    old=old,
                    volume=volume,
                    new=new,
                )
            )
    return tuple(sentences)


def _more_disk(before: DesiredState, after: DesiredState, free_disk: int) -> tuple[str, ...]:
    manifests = {app: wanted.record.package.manifest for app, wanted in after.apps.items()}
    return disk_warnings(before.plan, after.plan, manifests, free_disk)


def way_back(
    now: Mapping[str, Scalar], target: Configuration, known: Mapping[str, object]
) -> tuple[dict[str, Scalar], tuple[str, ...]]:
    """Return the options to set and those to reset, so that they are as they were; `known` are those of the manifest.

    The version is left alone: what a newer one did to the app's data an older one may not be able to read.
    """
    options = {key: value for key, value in target.options.items() if key in known and now.get(key) != value}
    return options, tuple(sorted(key for key in now if key not in target.options and key in known))


def _flat(configuration: Configuration) -> dict[str, Scalar | None]:
    found: dict[str, Scalar | None] = dict(configuration.options)
    found |= {f"{_CHOICE}{interface}": app for interface, app in configuration.choices.items()}
    return {"version": configuration.version, **found}

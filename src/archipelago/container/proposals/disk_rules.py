"""Refuses options that what is on disk rules out, before anything changes: pruned blocks do not come back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.on_disk import DiskRule
from archipelago.container.manifest.model.scalars import AppId, Key, Scalar
from archipelago.container.manifest.model.volume_paths import steps
from archipelago.container.manifest.options import have_values
from archipelago.container.namespace.client import Namespace
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import app_folder
from archipelago.support.texts.text import msg

Options = Mapping[Key, Scalar]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DiskCheck:
    """A rule whose options are so, with the paths to look at, as names within the volume."""

    rule: DiskRule
    present: tuple[Names, ...]
    absent: tuple[Names, ...]


def rendered_paths(
    manifest: AppManifest, where: str, paths: tuple[str, ...], options: Options, renderer: Renderer
) -> tuple[Names, ...]:
    """Return paths inside a volume as names, rendered with these options. Raises `NodeError`."""
    context = {"app": {"id": manifest.id, "version": manifest.version}, "options": dict(options)}
    found = []
    for index, text in enumerate(paths):
        place = f"apps/{manifest.id}: {where}.{index}"
        try:
            found.append(steps(renderer.inline(place, text, context)))
        except ValueError as error:
            hint = msg("the app's author must fix this template")
            raise NodeError(
                ErrorCode.INVALID_MANIFEST, msg("{place}: {error}", place=place, error=error), hint=hint
            ) from error
    return tuple(found)


def disk_checks(
    manifest: AppManifest, options: Options, before: Options | None, renderer: Renderer
) -> tuple[DiskCheck, ...]:
    """Return what must be looked at before an app gets these options; `before` is None where it is not installed.

    A rule about what does not change is left alone: whatever broke it, another change is not to blame.
    """

    def check(index: int, rule: DiskRule, values: Options) -> DiskCheck:
        present, absent = (
            rendered_paths(manifest, f"disk_rules.{index}.{part}", paths, values, renderer)
            for part, paths in (("present", rule.present), ("absent", rule.absent))
        )
        return DiskCheck(rule, present, absent)

    found = []
    for index, rule in enumerate(manifest.disk_rules):
        if have_values(options, rule.when):
            wanted = check(index, rule, options)
            if before is None or not have_values(before, rule.when) or check(index, rule, before) != wanted:
                found.append(wanted)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class DiskRules:
    """Looks at the volumes of apps whose options a plan changes."""

    renderer: Renderer
    namespace: Namespace
    apps: Path
    """Folder of the folders of apps."""

    async def require(self, plan: Plan, manifests: Mapping[AppId, AppManifest], now: Plan) -> None:
        """Raise `NodeError` INVALID_OPTION where a plan sets options that the files of an app rule out.

        `manifests` are those of the apps that stay or come, and `now` is the plan that is in force.
        """
        for planned in plan.apps:
            manifest, before = manifests.get(planned.app), now.planned(planned.app)
            if manifest is None or not manifest.disk_rules:
                continue
            old = before.options if before is not None else None
            if old == planned.options:
                continue
            checks = await asyncio.to_thread(disk_checks, manifest, planned.options, old, self.renderer)
            for each in checks:
                if await self._holds(planned.app, each):
                    raise refusal(manifest, each.rule)

    async def _holds(self, app: AppId, check: DiskCheck) -> bool:
        volume = str(app_folder(self.apps, app).volume(check.rule.volume))
        found = await self.namespace.find(volume, (*check.present, *check.absent))
        return all(found[: len(check.present)]) and not any(found[len(check.present) :])


def refusal(manifest: AppManifest, rule: DiskRule) -> NodeError:
    """Return the error that says what is refused, why, and what to do."""
    wanted = ", ".join(f"{name}={_shown(value)}" for name, value in rule.when.items())
    repair = manifest.repairs.get(rule.repair) if rule.repair is not None else None
    hint = msg("leave the option as it is")
    if repair is not None:
        hint = msg(
            "'archipelago repair {app} {repair}' makes it possible ({label})",
            app=manifest.id,
            repair=rule.repair,
            label=repair.label,
        )
    problems = [
        {"option": name, "message": rule.because, "expected": None, "hint": None, "app": manifest.id}
        for name in rule.when
    ]
    return NodeError(
        ErrorCode.INVALID_OPTION,
        msg("{app} cannot have {wanted}: {because}", app=manifest.id, wanted=wanted, because=rule.because),
        hint=hint,
        data={"app": manifest.id, "problems": problems},
    )


def _shown(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Notices about the disk, app by app: those that fill their part of it, and chains that could be pruned. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archipelago.api.system import Notice, NoticeKind, Severity, SuggestedOption
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.manifest.options import broken_rules
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_MIB = 1024**2
_KEPT = 10_000
"""MiB of blocks that are suggested to be kept: about two months of Bitcoin's."""


@dataclass(frozen=True, slots=True)
class FullShare:
    """An app that fills, or exceeds, the part of the disk that it may take."""

    app: str
    name: str
    used: int
    """Bytes, as they were counted last."""
    limit: int
    over: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class PrunableChain:
    """A chain daemon that keeps all blocks, and need not."""

    app: str
    name: str
    option: str
    kept: int
    """MiB of blocks that it would keep."""
    used: int
    """Bytes that its volumes take."""


def prunable_chains(desired: DesiredState, used: Mapping[str, int]) -> tuple[PrunableChain, ...]:
    """Return the chains that pruning would shrink, and whose other options allow it; `used` is in bytes by app."""
    found = (_prunable(desired, app, each, used.get(app, 0)) for app, each in desired.apps.items())
    return tuple(each for each in found if each is not None)


def _prunable(desired: DesiredState, app: str, found: DesiredApp, used: int) -> PrunableChain | None:
    manifest, planned = found.record.package.manifest, desired.plan.planned(app)
    option = manifest.bitcoin.prune_option if manifest.bitcoin is not None else None
    if option is None or planned is None or planned.options.get(option) != 0 or used < 2 * _KEPT * _MIB:
        return None
    if broken_rules(manifest, {**planned.options, option: _KEPT}):
        return None  # an index needs all blocks
    return PrunableChain(app, manifest.name, option, _KEPT, used)


def disk_notices(level: DiskLevel, shares: Iterable[FullShare], prunable: Iterable[PrunableChain]) -> Iterable[Notice]:
    """Yield a notice for each app that is about to fill its part, and each chain that could make room."""
    for each in shares:
        yield _of_share(each)
    if level is not DiskLevel.PLENTY:
        for chain in prunable:
            yield _of_chain(chain, level)


def _of_share(share: FullShare) -> Notice:
    if share.paused:
        text = msg("the node has paused {app}: its data takes more than it may", app=share.name)
    elif share.over:
        text = msg("the data of {app} takes more than it may", app=share.name)
    else:
        text = msg("the data of {app} takes nearly as much as it may", app=share.name)
    return Notice(
        id=f"{NoticeKind.DISK}:limit-{share.app}",
        said=_digest(text, str(share.limit)),
        level=Severity.WARNING,
        kind=NoticeKind.DISK,
        cause=f"{NoticeKind.APP}:{share.app}",
        app=share.app,
        name=share.name,
        text=text,
        detail=msg("{used} of {limit}", used=size_words(share.used), limit=size_words(share.limit)),
        consequence=msg("it starts again by itself once its limit is higher")
        if share.paused
        else msg("beyond its limit an app is paused, unless money depends on it"),
        mend=f"archipelago limits {share.app} --disk SIZE",
    )


def _of_chain(chain: PrunableChain, level: DiskLevel) -> Notice:
    consequence = msg("old blocks are deleted once they were checked; to have them again, all are downloaded again")
    if level is DiskLevel.CRITICAL:
        consequence = msg("it deletes old blocks only while it runs: free some space first, so that it starts again")
    return Notice(
        id=f"{NoticeKind.DISK}:prune-{chain.app}",
        said=_digest(level.name),
        level=Severity.WARNING,
        kind=NoticeKind.DISK,
        cause="disk",
        app=chain.app,
        name=chain.name,
        text=msg("{app} could make room: it keeps all blocks", app=chain.name),
        detail=msg("its data takes {used}", used=size_words(chain.used)),
        consequence=consequence,
        mend=f"archipelago config {chain.app} --set {chain.option}={chain.kept}",
        suggests=SuggestedOption(app=chain.app, option=chain.option, value=chain.kept),
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

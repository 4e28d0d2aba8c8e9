"""What the owner is told of apps that fill the disk."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.package import load_package
from archipelago.container.reports.disk_notices import FullShare, PrunableChain, disk_notices, prunable_chains
from archipelago.performance.resource_manager.disk_level import DiskLevel
from support.checkout import APPS

GIB = 1024**3
KNOTS, TOR = (load_package(APPS / name).manifest for name in ("bitcoin-knots", "tor"))
CHAIN = PrunableChain("bitcoin-knots", "Bitcoin Knots", "prune", 10_000, 700 * GIB)


def chains(manifest: AppManifest, used: int, **options: object) -> tuple[PrunableChain, ...]:
    defaults = {name: each.default for name, each in manifest.options.items()}
    planned = SimpleNamespace(options={**defaults, **options})
    found = SimpleNamespace(record=SimpleNamespace(package=SimpleNamespace(manifest=manifest)))
    plan = SimpleNamespace(planned=lambda _: planned)
    desired = cast(Any, SimpleNamespace(apps={manifest.id: found}, plan=plan))
    return prunable_chains(desired, {manifest.id: used})


def test_a_chain_is_offered_to_be_pruned_only_where_that_makes_room() -> None:
    assert chains(KNOTS, 700 * GIB) == (CHAIN,)
    assert chains(KNOTS, 15 * GIB) == ()
    assert chains(KNOTS, 700 * GIB, prune=550) == ()
    assert chains(KNOTS, 700 * GIB, txindex=True) == ()
    assert chains(TOR, 700 * GIB) == ()


@pytest.mark.parametrize("level", list(DiskLevel))
def test_it_is_offered_as_long_as_the_disk_is_short_and_never_done_unasked(level: DiskLevel) -> None:
    found = list(disk_notices(level, (), (CHAIN,)))
    assert len(found) == (level is not DiskLevel.PLENTY)
    for notice in found:
        assert notice.mend == "archipelago config bitcoin-knots --set prune=10000"
        assert notice.suggests is not None and (notice.suggests.option, notice.suggests.value) == ("prune", 10_000)
        assert ("while it runs" in notice.consequence) == (level is DiskLevel.CRITICAL)


def test_an_app_that_fills_its_part_says_how_much_and_what_to_do() -> None:
    shares = (
        FullShare("a", "A", 95 * GIB, 100 * GIB, over=False, paused=False),
        FullShare("b", "B", 3 * GIB, 2 * GIB, over=True, paused=True),
        FullShare("c", "C", 3 * GIB, 2 * GIB, over=True, paused=False),
    )
    near, paused, over = disk_notices(DiskLevel.PLENTY, shares, ())
    assert near.text == "the data of A takes nearly as much as it may" and near.detail == "95.0 GiB of 100.0 GiB"
    assert paused.text == "the node has paused B: its data takes more than it may"
    assert over.text == "the data of C takes more than it may"
    assert {each.id for each in (near, paused, over)} == {"disk:limit-a", "disk:limit-b", "disk:limit-c"}
    assert paused.mend == "archipelago limits b --disk SIZE"

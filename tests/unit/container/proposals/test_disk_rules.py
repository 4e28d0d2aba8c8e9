"""Rules about options and what is on disk: which are looked at for a change, where, and what a refusal says."""

from typing import Any

import pytest

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.volume_paths import steps
from archipelago.container.manifest.package import load_package
from archipelago.container.proposals.disk_rules import DiskCheck, disk_checks, refusal
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.errors import ErrorCode, NodeError
from support.checkout import APPS

KNOTS = load_package(APPS / "bitcoin-knots").manifest
DEFAULTS = {name: option.default for name, option in KNOTS.options.items()}


def checks(before: dict[str, Any] | None, **changes: Any) -> tuple[DiskCheck, ...]:
    now = None if before is None else {**DEFAULTS, **before}
    return disk_checks(KNOTS, {**DEFAULTS, **changes}, now, Renderer())


def test_a_whole_chain_is_asked_for_only_where_that_is_new() -> None:
    assert checks({}, maxconnections=10) == (), "it was so before, and another change is not to blame"
    assert checks({"prune": 550}, prune=600) == ()
    (found,) = checks({"prune": 550}, prune=0)
    assert (found.present, found.absent) == ((("blocks", "index"),), (("blocks", "blk00000.dat"),))


def test_data_that_an_earlier_installation_left_is_looked_at() -> None:
    assert [each.rule.when for each in checks(None)] == [{"prune": 0}]
    assert [each.rule.when for each in checks(None, prune=550, blockfilterindex=True)] == [{"blockfilterindex": True}]


def test_another_network_has_other_files() -> None:
    (found,) = checks({"network": "mainnet"}, network="signet")
    assert found.present == (("signet", "blocks", "index"),)


def test_a_filter_index_that_is_there_may_stay() -> None:
    (found,) = checks({"prune": 550}, prune=550, blockfilterindex=True)
    assert found.absent[1] == ("indexes", "blockfilter", "basic", "fltr00000.dat")


def test_a_refusal_says_what_why_and_what_to_do() -> None:
    error = refusal(KNOTS, KNOTS.disk_rules[1])
    assert error.code is ErrorCode.INVALID_OPTION
    assert error.message.startswith(
        "bitcoin-knots cannot have blockfilterindex=true: the filters are made of all blocks"
    )
    assert "archipelago repair bitcoin-knots download_again" in error.hint
    assert [each["option"] for each in error.data["problems"]] == ["blockfilterindex"]  # type: ignore[attr-defined]
    without = KNOTS.disk_rules[1].model_copy(update={"repair": None})
    assert "repair" not in refusal(KNOTS, without).hint


@pytest.mark.parametrize("path", ["", "/etc", "a//b", "../wallets", "a/../../b", "./a", "a\nb", "a/."])
def test_no_value_leads_out_of_a_volume(path: str) -> None:
    with pytest.raises(ValueError, match="no path inside a volume"):
        steps(path)
    changed = KNOTS.model_dump(mode="json")
    changed["options"]["folder"] = {"type": "string", "label": "F", "default": "x"}
    changed["disk_rules"][0]["present"] = ["{{ options.folder }}"]
    manifest = AppManifest.model_validate(changed)
    with pytest.raises(NodeError) as caught:
        disk_checks(manifest, {**DEFAULTS, "folder": path}, None, Renderer())
    assert caught.value.code is ErrorCode.INVALID_MANIFEST


def test_names_are_the_way_to_a_path() -> None:
    assert steps("regtest/blocks") == ("regtest", "blocks")
    assert steps(".") == ()

"""What a manifest says of files on disk is checked where it is read."""

from typing import Any

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.yaml.problems import ManifestError
from support.manifests import as_yaml, manifest

RULE = {"when": {"open": True}, "volume": "data", "present": ["a/{{ options.kind }}"], "because": "it is so"}
REPAIR = {"label": "Fix", "description": "It helps."}
CACHE = {"volumes__data": {"data": "rebuildable"}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"disk_rules": [{**RULE, "when": {"opne": True}}]}, "disk_rules[0].when.opne: there is no option 'opne'"),
        (
            {"disk_rules": [{**RULE, "when": {"size": 10}}]},
            "disk_rules[0].when.size: the value does not fit the option",
        ),
        ({"disk_rules": [{**RULE, "volume": "dat"}]}, "disk_rules[0].volume: there is no volume 'dat'"),
        ({"disk_rules": [{**RULE, "repair": "fix"}]}, "disk_rules[0].repair: there is no repair 'fix'"),
        ({"disk_rules": [{**RULE, "present": ["{{ options.knid }}"]}]}, "present[0]: there is no option 'knid'"),
        ({"disk_rules": [{**RULE, "absent": ["{{ secrets.key }}"]}]}, "absent[0]: a secret cannot stand here"),
        ({"disk_rules": [{**RULE, "present": ["../key"]}]}, "present[0]: '../key' is no path inside a volume"),
        ({"disk_rules": [{**RULE, "present": ["."]}]}, "present[0]: all of a volume is no path here"),
        ({"repairs__fix": REPAIR}, "the repair does nothing"),
        ({"repairs__fix": {**REPAIR, "arguments": {"mian": ["-x"]}}}, "there is no container 'mian'"),
        ({"repairs__fix": {**REPAIR, "arguments": {"main": ["-x"]}}}, "neither 'command' nor 'entrypoint'"),
        ({"repairs__fix": {**REPAIR, "set_aside": {"dat": ["x"]}}}, "there is no volume 'dat'"),
        ({"repairs__fix": {**REPAIR, "set_aside": {"data": ["."]}}}, "all of a volume is no path here"),
        ({"repairs__fix": {**REPAIR, "discard": {"data": ["x"]}}}, "what is in the volume 'data' cannot be made again"),
        ({"repairs__fix": {**REPAIR, "copies": {"dat": "x"}}}, "there is no volume 'dat'"),
        ({"repairs__fix": {**REPAIR, "copies": {"data": "x"}}}, "the volume 'data' has no 'stream'"),
        ({"volumes__data": {"data": "files", "per": "rpc"}}, "volumes.data.per: wrong form: 'rpc'"),
        ({"volumes__data": {"data": "files", "per": "rpc.network"}}, "volumes.data.per: there is no interface 'rpc'"),
        (
            {"volumes__data": {"data": "files", "per": "rpc.network"}, "requires__rpc": {"optional": True}},
            "volumes.data.per: the interface 'rpc' is optional",
        ),
        (
            {"volumes__data": {"data": "files", "per": "rpc.network"}, "requires__rpc": {}, "disk_rules": [RULE]},
            "disk_rules[0].volume: the volume 'data' is kept apart",
        ),
    ],
)
def test_what_does_not_fit_is_said_at_its_place(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest(as_yaml(manifest(**changes)), "shop")
    assert [str(problem) for problem in caught.value.problems if expected in str(problem)], caught.value.problems
    assert len(caught.value.problems) == 1


def test_what_fits_is_taken() -> None:
    changes = {
        **CACHE,
        "disk_rules": [{**RULE, "repair": "fix"}],
        "repairs__fix": {**REPAIR, "discard": {"data": ["."]}},
    }
    found = load_manifest(as_yaml(manifest(**changes)), "shop")
    assert found.repairs["fix"].discard == {"data": (".",)} and found.disk_rules[0].repair == "fix"

"""Checks across the parts of a manifest: each finds its own mistake, at its own place, and nothing else."""

from typing import Any

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.yaml.problems import ManifestError
from support.manifests import as_yaml, manifest

MAIN = manifest()["containers"]["main"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"containers__main__after": ["mian"]}, ["containers.main.after[0]: there is no container 'mian'"]),
        (
            {"containers__main__mounts": [{"volume": "dat", "path": "/d"}, {"volume": "data", "path": "/e"}]},
            ["containers.main.mounts[0].volume: there is no volume 'dat'; expected one of: data; did you mean 'data'?"],
        ),
        (
            {"containers__main__health": {"probe": {"type": "chain", "port": 1, "secret": "kee"}}},
            [
                "containers.main.health.probe.secret: there is no secret 'kee'; expected one of: key; "
                "did you mean 'key'?"
            ],
        ),
        (
            {"endpoints__web": {"kind": "ui", "container": "web", "port": 1, "host_port": 1}},
            ["endpoints.web.container: there is no container 'web'; expected one of: main"],
        ),
        (
            {"endpoints__web": {"kind": "api", "container": "main", "port": 1, "host_port": 1, "scheme": "ws"}},
            [
                "endpoints.web.scheme: an address that starts with ws:// does not fit the protocol tcp; "
                "expected tcp, or no scheme"
            ],
        ),
        (
            {"provides__shop": {"container": "web", "port": 1, "accepts": ["sise"]}},
            [
                "provides.shop.container: there is no container 'web'; expected one of: main",
                "provides.shop.accepts[0]: there is no option 'sise'; expected one of: size, open, kind; "
                "did you mean 'size'?",
            ],
        ),
        (
            {"rules": [{"when": {"opne": True}, "require": {"size": "5", "kind": "newer"}, "because": "x"}]},
            [
                "rules[0].when.opne: there is no option 'opne'; expected one of: size, open, kind; "
                "did you mean 'open'?",
                "rules[0].require.size: the value does not fit the option: cannot be '5'; "
                "expected a whole number from 1 to 9",
                "rules[0].require.kind: the value does not fit the option: cannot be 'newer'; "
                "expected one of: new, old; did you mean 'new'?",
            ],
        ),
        (
            {"rules": [{"when": {"open": True}, "require": {"size": 9}, "because": "open is large"}]},
            ["rules[0]: the options' own defaults break this rule (open is large)"],
        ),
        ({"rules": [{"when": {"open": False}, "require": {"size": 9}, "because": "x"}]}, []),
        (
            {"options__size__default": 10},
            ["options.size.default: the default does not fit: cannot be 10; expected a whole number from 1 to 9"],
        ),
        ({"options__size__minimum": 10}, ["options.size.minimum: the minimum 10 is above the maximum 9"]),
        (
            {"options__kind__default": "never"},
            ["options.kind.default: the default does not fit: cannot be 'never'; expected one of: new, old"],
        ),
        ({"options__kind__choices": ["new", "new"]}, ["options.kind.choices[1]: the choice new is used twice"]),
        (
            {"options__s": {"type": "string", "label": "S", "default": "b", "pattern": "a+|(c)"}},
            [
                "options.s.default: the default does not fit: cannot be 'b'; "
                "expected one line of at most 200 characters that matches a+|(c)"
            ],
        ),
        (
            {"options__s": {"type": "string", "label": "S", "default": "b", "pattern": "(a"}},
            ["options.s.pattern: not a usable regular expression: unclosed group"],
        ),
        (
            {"options__s": {"type": "string", "label": "S", "default": "b", "pattern": "(?=a)b"}},
            ["options.s.pattern: not a usable regular expression: look-around"],
        ),
        ({"options__s": {"type": "string", "label": "S", "default": "b", "pattern": "a)|(b"}}, ["unopened group"]),
        (
            {
                "options__s": {"type": "string", "label": "S", "default": "b", "pattern": "(a"},
                "volumes__data__disk_when": [{"when": {"s": "a"}, "disk": "1GB"}],
                "disk_rules": [{"when": {"s": "a"}, "volume": "data", "present": ["a"], "because": "x"}],
                "rules": [{"when": {"s": "a"}, "require": {"open": True}, "because": "x"}],
            },
            ["options.s.pattern: not a usable regular expression: unclosed group"],
        ),
        (
            {"options__s": {"type": "string", "label": "S", "default": "x", "pattern": "a|x", "max_length": 1}},
            [],
        ),
        ({"volumes__old": {"data": "files"}}, ["volumes.old: no container mounts this volume"]),
        (
            {"volumes__data__exclusive": True, "containers__two": MAIN},
            ["containers.two.mounts[0].volume: the volume 'data' is exclusive and already mounted"],
        ),
        ({"containers__two": MAIN}, []),
        (
            {
                "containers__main__after": ["c"],
                "containers__b": {**MAIN, "after": ["main"]},
                "containers__c": {**MAIN, "after": ["b"]},
            },
            ["containers.b.after: containers wait in a circle: main → c → b → main"],
        ),
        (
            {"containers__main__after": ["main"]},
            ["containers.main.after: containers wait in a circle: main → main"],
        ),
        (
            {"containers__b": {**MAIN, "after": ["main"]}, "containers__c": {**MAIN, "after": ["b", "main"]}},
            [],
        ),
        (
            {
                "endpoints__a": {"kind": "ui", "container": "main", "port": 1, "host_port": 80},
                "endpoints__b": {"kind": "ui", "container": "main", "port": 2, "host_port": 80},
            },
            ["endpoints.b.host_port: the host port 80 is used twice in this app"],
        ),
        ({"egress": "tor"}, ["egress: egress over Tor needs the interface of a Tor proxy; expected 'tor-socks' in"]),
        ({"egress": "tor", "requires__tor-socks": {}}, []),
        (
            {"provides__x": {"container": "main", "port": 1}, "requires__x": {}},
            ["requires.x: the app requires an interface that it provides itself; expected optional: true"],
        ),
        ({"provides__x": {"container": "main", "port": 1}, "requires__x": {"optional": True}}, []),
        ({"requires__x": {"default": "shop"}}, ["requires.x.default: the app cannot be its own provider"]),
        ({"conflicts": [{"app": "shop", "because": "x"}]}, ["conflicts[0].app: the app conflicts with itself"]),
        (
            {
                "containers__main__tmpfs": [{"path": "/data"}],
                "containers__main__files": [{"path": "/data/", "template": "t"}],
            },
            ["tmpfs[0].path: the path /data is used twice", "files[0].path: the path /data/ is used twice"],
        ),
        ({"bitcoin": {"role": "node", "network_option": "network"}}, ["bitcoin.network_option: there is no option"]),
        ({"containers__main__command": ["{{ options.size }}", "{{ options['kind'] }}"]}, []),
        (
            {"containers__main__command": ["{{ options.sise }}"]},
            ["containers.main.command[0]: there is no option 'sise'; did you mean 'size'?"],
        ),
        (
            {"containers__main__environment": {"A": "{% if x %}"}},
            ["containers.main.environment.A: not a valid template: Unexpected end of template"],
        ),
        (
            {"containers__main__environment": {"A": "{{ secrets.key }}"}},
            ["containers.main.environment.A: a secret cannot stand here; put it into `files` or `secret_environment`"],
        ),
        (
            {"containers__main__command": ["{% set s = secrets %}{{ s['key'] }}"]},
            ["containers.main.command[0]: a secret cannot stand here; put it into `files` or `secret_environment`"],
        ),
        (
            {"provides__x": {"container": "main", "port": 1, "exports": {"k": "{{ secrets }}"}}},
            ["provides.x.exports.k: a secret cannot stand here; put it into `files` or `secret_environment`"],
        ),
        ({"containers__main__command": ["{{ options.items() | list }} { not one }"]}, []),
    ],
)
def test_each_mistake_is_found_alone(changes: dict[str, Any], expected: list[str]) -> None:
    text = as_yaml(manifest(**changes))
    found: list[str] = []
    try:
        load_manifest(text, "m.yml")
    except ManifestError as error:
        found = [str(problem) for problem in error.problems]
    assert len(found) == len(expected), found
    for wanted in expected:
        assert any(wanted in line for line in found), (wanted, found)


def test_checks_run_on_what_is_right_beside_what_is_wrong() -> None:
    value = manifest(
        containers__main__memroy=5,
        containers__main__after=["mian"],
        options__size__default="many",
        provides__x={"container": "main", "port": 1, "accepts": ["size", "sise"]},
        endpoints__web={"kind": "ui", "container": "main", "port": 1, "host_port": 0},
        egress="tor",
    )
    del value["summary"]
    with pytest.raises(ManifestError) as caught:
        load_manifest(as_yaml(value), "m.yml")
    assert {problem.where for problem in caught.value.problems} == {
        *("summary", "containers.main.memroy", "containers.main.after[0]", "options.size.default"),
        *("provides.x.accepts[1]", "endpoints.web.host_port"),
    }


@pytest.mark.parametrize("name", ["secrets", "tls", "pycache", "apps", "tmp"])
def test_no_name_is_reserved(name: str) -> None:
    assert load_manifest(as_yaml(manifest(id=name)), "m.yml").id == name

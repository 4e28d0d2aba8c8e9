"""Properties of the manifest loader, tried on thousands of texts that hypothesis makes up."""

from copy import deepcopy
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archipelago.container.manifest.checks.references import check_manifest
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.yaml.problems import MAX_PROBLEMS, ManifestError
from archipelago.docgen.manifest_reference import example_text
from support.examples import examples

names = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
ports = st.integers(1, 65535)
line = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=30)
scalars = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | line
sizes = st.integers(0, 2**60) | st.sampled_from(["512MiB", "1.5GB", "3 TiB"])
seconds = st.integers(1, 100) | st.sampled_from(["500ms", "2m", "1.5h"])
paths = st.from_regex(r"/[a-z]{1,8}(/[a-z.]{1,3}x){0,3}", fullmatch=True)

options = (
    st.fixed_dictionaries({"type": st.just("bool"), "label": line, "default": st.booleans()})
    | st.builds(
        lambda label, low, span, at: {
            "type": "int", "label": label, "minimum": low, "maximum": low + span, "default": low + min(span, at),
        },
        line, st.integers(-1000, 1000), st.integers(0, 1000), st.integers(0, 1000),
    )
    | st.fixed_dictionaries({"type": st.just("string"), "label": line, "default": line})
    | st.builds(
        lambda label, choices: {"type": "choice", "label": label, "choices": choices, "default": choices[-1]},
        line, st.lists(line, min_size=1, max_size=5, unique=True),
    )
)  # fmt: skip

volumes_of_app = st.dictionaries(
    names, st.fixed_dictionaries({"data": st.sampled_from(["rebuildable", "files"]), "disk": sizes}), max_size=3
)
options_of_app = st.dictionaries(keys, options, max_size=4)
secrets_of_app = st.dictionaries(keys, st.builds(dict), max_size=2)
containers_of_app = st.lists(names, min_size=1, max_size=4, unique=True)
environments = st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), line, max_size=3)
users = st.from_regex(r"[0-9]{1,5}:[0-9]{1,5}", fullmatch=True)
tcp_probes = st.fixed_dictionaries({"type": st.just("tcp"), "port": ports})
few_names = st.lists(names, max_size=2, unique=True)
demands = st.dictionaries(keys, scalars, max_size=2)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Make a manifest that is right, as plain values."""
    volumes = draw(volumes_of_app)
    declared = draw(options_of_app)
    secrets: dict[str, Any] = draw(secrets_of_app)
    titles = draw(containers_of_app)
    containers: dict[str, Any] = {}
    for index, name in enumerate(titles):
        places = draw(st.lists(paths, min_size=len(volumes), max_size=len(volumes), unique=True))
        probes = tcp_probes
        if secrets:
            probes |= st.fixed_dictionaries(
                {"type": st.just("chain"), "port": ports, "secret": st.sampled_from(sorted(secrets))}
            )
        containers[name] = {
            "build": {"type": "packages", "packages": ["tor"]},
            "environment": draw(environments),
            "command": [f"{{{{ options.{key} }}}}" for key in declared],
            "mounts": [{"volume": volume, "path": place} for volume, place in zip(volumes, places, strict=True)],
            "after": draw(st.lists(st.sampled_from(titles[:index]), unique=True)) if index else [],
            "health": {"probe": draw(probes), "interval": draw(seconds)},
            "user": draw(users),
        }
        containers[name]["environment"] = {
            key: value for key, value in containers[name]["environment"].items() if "{" not in value
        }
    hosts = draw(st.lists(ports, max_size=3, unique=True))
    return {
        "manifest": 1,
        "id": draw(names),
        "name": draw(line),
        "version": draw(st.sampled_from(["1", "1.10", "29.4", "2026.1.1", "1.0rc1"])),
        "summary": draw(line),
        "description": draw(line),
        "category": draw(st.sampled_from(["bitcoin", "nostr", "other"])),
        "license": "MIT",
        "options": declared,
        "secrets": secrets,
        "volumes": volumes,
        "containers": containers,
        "provides": {
            name: {"container": titles[0], "port": draw(ports), "accepts": sorted(declared)} for name in draw(few_names)
        },
        "requires": {f"needed-{name}": {"demands": draw(demands), "version": ">=1"} for name in draw(few_names)},
        "endpoints": {
            f"e{index}": {"kind": "api", "container": titles[-1], "port": draw(ports), "host_port": port}
            for index, port in enumerate(hosts)
        },
    }


class Quoting(yaml.CSafeDumper):
    """Quotes every text."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, '"'))


def as_yaml(value: object) -> str:
    """Return YAML in which every text is quoted, as PyYAML would only quote what YAML 1.1 mistakes."""

    return yaml.dump(value, Dumper=Quoting, sort_keys=False)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(manifests())
def test_a_manifest_survives_being_written_and_read(value: dict[str, Any]) -> None:
    manifest = load_manifest(as_yaml(value), "m.yml")
    assert manifest == AppManifest.model_validate(value)
    assert check_manifest(manifest) == []
    again = load_manifest(as_yaml(manifest.model_dump(mode="json")), "m.yml")
    assert again == manifest
    assert AppManifest.model_validate_json(manifest.model_dump_json()) == manifest


def check_refusal(text: str) -> None:
    """Check that a text loads, or is refused with problems at places that exist."""
    try:
        load_manifest(text, "m.yml")
    except ManifestError as error:
        rows = text.count("\n") + text.count("\r") + sum(text.count(c) for c in "\x85\u2028\u2029") + 2
        assert 0 < len(error.problems) <= MAX_PROBLEMS
        for problem in error.problems:
            assert 1 <= problem.line <= rows
            assert problem.column >= 1
            assert "\n" not in str(problem)


marks = [*"ab1 :-?[]{},#&*!|>'\"%@`\n\t\\~.<=\ufeff", "id", "\n  ", ": ", "- ", "{{ ", " }}", "options."]
yamlish = st.lists(st.sampled_from(marks), max_size=40).map("".join)


@settings(max_examples=examples(400))
@given(st.text() | yamlish | st.text(st.characters(codec=None)))
def test_no_text_raises_anything_but_a_manifest_error(text: str) -> None:
    check_refusal(text)


@settings(max_examples=examples(200))
@given(st.data())
def test_no_damaged_manifest_raises_anything_but_a_manifest_error(data: st.DataObject) -> None:
    text = example_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 400)))
    check_refusal(text[:start] + data.draw(yamlish | st.text()) + text[end:])


plain_values = st.recursive(
    st.none() | scalars | st.just("{{ secrets.x }}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


EXAMPLE = yaml.safe_load(example_text())


@settings(max_examples=examples(200))
@given(st.data())
def test_no_wrong_value_raises_anything_but_a_manifest_error(data: st.DataObject) -> None:
    """Put any value anywhere in a manifest that is right: the salvage of the rest must not trip."""
    root: Any = deepcopy(EXAMPLE)
    node = root
    while True:
        step = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[step], dict | list) or not node[step] or data.draw(st.booleans()):
            break
        node = node[step]
    if data.draw(st.booleans()) and isinstance(node, dict):
        node[data.draw(keys)] = node.pop(step)
    else:
        node[step] = data.draw(plain_values)
    check_refusal(as_yaml(root))

"""The manifest loader: what it accepts, and how it explains what it does not."""

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest, Egress
from archipelago.container.manifest.yaml.problems import MAX_PROBLEMS, ManifestError, ManifestProblem
from archipelago.container.manifest.yaml.reader import read_yaml
from archipelago.container.manifest.yaml.tree import ListNode, MapNode, Node, Path, ScalarNode, find
from archipelago.docgen.manifest_reference import example_text, key_examples
from archipelago.errors import ErrorCode
from support.examples import share
from support.processor_time import ProcessorTime

MINIMAL = """\
manifest: 1
id: relay
name: Relay
version: "1.0"
summary: A relay
description: It relays.
category: nostr
license: MIT
containers:
  main:
    build: {type: packages, packages: [tor]}
"""


def problems_of(text: str) -> tuple[ManifestProblem, ...]:
    """Return the problems of a manifest that must not load."""
    with pytest.raises(ManifestError) as caught:
        load_manifest(text, "m.yml")
    assert caught.value.problems
    return caught.value.problems


def lines_of(text: str) -> list[str]:
    """Return the problems as lines."""
    return [str(problem) for problem in problems_of(text)]


def test_minimal_manifest_gets_defaults() -> None:
    manifest = load_manifest(MINIMAL, "m.yml")
    assert manifest.id == "relay"
    assert manifest.egress is Egress.NONE
    assert manifest.containers["main"].user == "1000:1000"


def test_scalars_are_read_by_yaml_1_2() -> None:
    manifest = load_manifest(
        MINIMAL.replace('"1.0"', "1.10")
        + """\
    user: 10025:25
    environment: {A: yes, B: 0o17, C: 1_000, D: 1.50, E: on, F: 2026-01-01, G: 0x1F, H: true, I: .inf}
    files: [{path: /x, template: x.j2, mode: 0400}]
options:
  mode: {type: choice, label: Mode, default: 1, choices: [1, no, 010]}
""",
        "m.yml",
    )
    container = manifest.containers["main"]
    assert manifest.version == "1.10"
    assert container.user == "10025:25"
    assert list(container.environment.values()) == [
        *("yes", "0o17", "1_000", "1.50", "on", "2026-01-01", "0x1F", "true", ".inf")
    ]
    assert container.files[0].mode == "0400"
    assert manifest.options["mode"].default == "1"


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", '"true"', "1", "null"])
def test_only_true_and_false_are_booleans(word: str) -> None:
    (line,) = lines_of(MINIMAL + f"    init: {word}\n")
    assert line.startswith("m.yml:12:11: containers.main.init: wrong type")
    assert line.endswith("expected true or false")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("    memroy: 5\n", "m.yml:12:5: containers.main.memroy: unknown key; did you mean 'resources.memory'?"),
        (
            "    resources: {memroy: 64MiB}\n",
            "m.yml:12:17: containers.main.resources.memroy: unknown key; did you mean 'memory'?",
        ),
        (
            "egress: tors\n",
            "m.yml:12:9: egress: wrong value: 'tors'; expected one of: none, tor, direct, lan; did you mean 'tor'?",
        ),
        (
            "    health: {probe: {type: tpc, port: 1}}\n",
            "m.yml:12:28: containers.main.health.probe.type: wrong value: 'tpc'; expected one of: http, tcp, exec, "
            "chain; did you mean 'tcp'?",
        ),
        (
            "    health: {probe: {port: 1}}\n",
            "m.yml:12:14: containers.main.health.probe.type: missing key; expected one of: http, tcp, exec, chain",
        ),
        (
            "    health: {probe: {type: chain, chain: 5, port: 1, secret: s}}\nsecrets: {s: {}}\n",
            "m.yml:12:42: containers.main.health.probe.chain: wrong value: 5; expected one of: bitcoin",
        ),
        ("    after: main\n", "m.yml:12:12: containers.main.after: wrong type: 'main'; expected a list"),
        ("    stop:\n", "m.yml:12:10: containers.main.stop: wrong type: nothing; expected a mapping"),
        (
            "    resources: {memory: 5 bananas}\n",
            "m.yml:12:25: containers.main.resources.memory: wrong value: '5 bananas'; "
            "expected a size such as 512MiB or 2GB",
        ),
        (
            "    resources: {memory: 1MiB}\n",
            "m.yml:12:25: containers.main.resources.memory: out of range: '1MiB'; expected at least 16777216",
        ),
        (
            "    environment: {1A: x}\n",
            "m.yml:12:19: containers.main.environment.1A: wrong form: '1A'; "
            "expected the name of an environment variable, such as 'DATA_DIR'",
        ),
        (
            "requires: {a: {demands: {x: [1]}}}\n",
            "m.yml:12:29: requires.a.demands.x: wrong type: a list; expected true, false, a number or text",
        ),
        (
            "    image: x@sha256:" + "0" * 64 + "\n",
            "m.yml:10:3: containers.main: give either 'image' (with a digest) or 'build', and not both",
        ),
        ("id: b\n", "m.yml:12:1: the key 'id' is given twice (first in line 2)"),
        ("egress: !!str none\n", "m.yml:12:9: tags (!name) are not allowed; expected the plain value"),
        ("egress: &e none\n", "m.yml:12:9: anchors (&name) are not allowed; expected the plain value"),
        ("egress: *e\n", "m.yml:12:9: aliases (*name) are not allowed; expected the value itself, written out"),
        ("---\nid: b\n", "m.yml:12:1: a second document starts here; expected one document"),
        ("? [a]\n: b\n", "m.yml:12:3: a list or mapping stands where a key belongs; expected a key, which is text"),
    ],
)
def test_one_mistake_is_one_line(extra: str, expected: str) -> None:
    lines = lines_of(MINIMAL + extra)
    assert lines == [expected]


def test_all_mistakes_come_at_once_in_the_order_of_the_text() -> None:
    lines = lines_of(
        """\
manifest: 2
id: Bad_Id
version: x.1
summary: A relay
description: It relays.
category: bitcoins
licence: MIT
volumes: {data: {data: files}, old: {data: files, disk: much}}
containers:
  main:
    build: {type: packages, packages: [tor]}
    after: [mian]
    mounts: [{volume: dta, path: /data}]
provides:
  relay: {container: mainn, port: 70000}
"""
    )
    starts = [line.split(":")[1:4] for line in lines]
    assert [(int(line), int(column)) for line, column, _ in starts] == [
        (1, 1), (1, 1), (1, 11), (2, 5), (3, 10), (6, 11), (7, 1), (8, 57), (12, 13), (13, 23), (15, 35),
    ]  # fmt: skip
    text = "\n".join(lines)
    assert "containers.main.after[0]: there is no container 'mian'; expected one of: main; did you mean 'main'?" in text
    assert "containers.main.mounts[0].volume: there is no volume 'dta'" in text
    assert "licence: unknown key; did you mean 'license'?" in text


@pytest.mark.parametrize("text", ["", "# nothing\n", "a", "- a", "5", "null"])
def test_what_is_no_mapping_is_no_manifest(text: str) -> None:
    (problem,) = problems_of(text)
    assert problem.expected == "a mapping"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [", 2, 1),
        ("a:\n\t- b", 2, 1),
        ("a: 'x", 1, 6),
        ("x: 1\na: \x01", 2, 4),
        ("\ud800", 1, 1),
        ("x: 1\n%", 2, 2),
    ],
)
def test_syntax_errors_have_a_place(text: str, line: int, column: int) -> None:
    (problem,) = problems_of(text)
    assert problem.message.startswith("not valid YAML")
    assert (problem.line, problem.column) == (line, column)


BOMBS = {
    "laughs": "a: &a [x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "deep lists": "[" * 250_000,
    "deep mappings": "{a: " * 60_000,
    "deep blocks": "".join("  " * depth + "a:\n" for depth in range(480)),
    "dashes": "- " * 100_000,
    "many": "[" + "1," * 120_000 + "]",
    "large": "a" * 10_000_000,
    "long number": "manifest: " + "9" * 200_000,
    "duplicates": "x: 1\n" * 50_000,
    "unknown keys": "".join(f"conteiner{number}: 1\n" for number in range(9_000)),
    "long key": "memory" * 40_000 + ": 1\n",
    "template": MINIMAL + "    command: ['{{ " + "(" * 3_900 + "']\n",
    "chain": MINIMAL + "    command: ['{{ " + "1+" * 1_900 + "1 }}']\n    zz: 1\n",
    "pattern": MINIMAL
    + "options: {a: {type: string, label: A, default: aaa, pattern: '(((a{1,99}){1,99}){1,99}){1,99}b'}}\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_errors_in_milliseconds(text: str, processor_time: ProcessorTime) -> None:
    problems = problems_of(text)
    processor_time.require_below(0.6)
    assert len(problems) <= MAX_PROBLEMS
    assert all(len(str(problem)) < 2_000 for problem in problems)


def test_error_is_one_that_an_owner_can_read() -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest(MINIMAL + "    zz: 1\n", "m.yml")
    assert caught.value.code is ErrorCode.INVALID_MANIFEST
    assert caught.value.data["problems"][0]["line"] == 12  # type: ignore[index]
    assert str(caught.value).startswith("m.yml:12:5: containers.main.zz: unknown key")


def _places(node: Node, path: Path = ()) -> list[tuple[Path, bool]]:
    """Return the path of every key (True) and every plain value (False)."""
    match node:
        case MapNode():
            keys: list[tuple[Path, bool]] = [((*path, key), True) for key in node.values]
            return keys + [place for key, value in node.values.items() for place in _places(value, (*path, key))]
        case ListNode():
            return [place for index, item in enumerate(node.items) for place in _places(item, (*path, index))]
        case ScalarNode():
            return [(path, False)]


def _spliced(line: int, column: int, length: int, new: str) -> str:
    lines = example_text().splitlines(keepends=True)
    row = lines[line - 1]
    lines[line - 1] = row[: column - 1] + new + row[column - 1 + length :]
    return "".join(lines)


def test_every_misspelt_key_of_the_example_is_found_at_its_place() -> None:
    root = read_yaml(example_text()).root
    assert root is not None
    parts = {key for _, key in key_examples(example_text())}
    places = []
    for path, is_key in _places(root):
        key, parent = path[-1], find(root, path[:-1])
        if not is_key or not isinstance(parent, MapNode) or key not in parts or path[-2:-1] in [("exports",)]:
            continue
        if key == "type" or path[-2:-1] in [
            ("requires",),
            ("endpoints",),
            ("containers",),
            ("volumes",),
            ("provides",),
        ]:
            continue  # the kind of a part, or a name that the author chose
        places.append((path, str(key), parent.keys[str(key)]))
    assert len(places) > 150
    for path, key, place in share(places):
        problems = problems_of(_spliced(place.line, place.column, len(key), f"{key}qq"))
        assert (place.line, place.column, "unknown key") in {(p.line, p.column, p.message) for p in problems}, path


def test_every_value_of_a_wrong_type_in_the_example_is_found_at_its_place() -> None:
    root = read_yaml(example_text()).root
    assert root is not None
    rows = example_text().splitlines()
    places = [
        (path, node)
        for path, is_key in _places(root)
        if not is_key and isinstance(node := find(root, path), ScalarNode) and path != ("description",)
    ]
    assert len(places) > 120
    for path, node in share(places):
        quoted = rows[node.position.line - 1][node.position.column - 1] == '"'
        changed = _spliced(node.position.line, node.position.column, len(node.text) + 2 * quoted, "{qq: [[]]}")
        problems = problems_of(changed)
        assert (node.position.line, node.position.column) in {(p.line, p.column) for p in problems}, path


def test_the_example_uses_every_key_of_the_manifest() -> None:
    seen = key_examples(example_text())
    definitions = AppManifest.model_json_schema()
    parts = {"AppManifest": definitions, **definitions["$defs"]}
    wanted = {(part, key) for part, schema in parts.items() for key in schema.get("properties", {})}
    inherited = {(part, key) for part, key in wanted if part.endswith("Option") and key in ("help", "advanced")}
    assert wanted - inherited <= seen.keys()

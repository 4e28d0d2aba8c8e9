"""package-lock.json: what it installs, and that it names nothing but packages of the registry by their hash."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.package_lock import (
    MOST_PACKAGES,
    REGISTRY,
    LockedPackage,
    PackageLockError,
    chosen,
    parse_package_lock,
    platform_of,
)
from support.npm_tarballs import lock_of

HASH = f"sha512-{base64.b64encode(bytes(range(64))).decode()}"
HEX = bytes(range(64)).hex()
X64 = platform_of(Architecture.AMD64)


def entry(**more: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "integrity": HASH, **more}


def parse(entries: dict[str, Any], **root: Any) -> tuple[LockedPackage, ...]:
    return parse_package_lock(lock_of(entries, **root), json.dumps(root).encode())


def test_each_entry_is_a_package_at_a_place_and_comes_after_the_one_that_it_lies_in() -> None:
    nested = "node_modules/@s/b/node_modules/a"
    found = parse(
        {
            nested: entry(version="2.0.0-rc.1", name="real", resolved=f"{REGISTRY}real/-/real-2.0.0-rc.1.tgz"),
            "node_modules/@s/b": entry(resolved=f"{REGISTRY}@s/b/-/b-1.0.0.tgz", bin={"b": "./cli.js"}),
        },
        dependencies={"@s/b": "^1.0.0"},
    )
    assert [(each.path, str(each), each.sha512) for each in found] == [
        ("node_modules/@s/b", "@s/b@1.0.0", HEX),
        (nested, "real@2.0.0-rc.1", HEX),
    ]
    assert [each.url_path for each in found] == ["@s/b/-/b-1.0.0.tgz", "real/-/real-2.0.0-rc.1.tgz"]
    assert [each.folder for each in found] == ["node_modules", "node_modules/@s/b/node_modules"]
    assert found[0].programs == (("b", "cli.js"),)


def test_a_hash_of_another_kind_beside_it_does_not_count() -> None:
    (found,) = parse({"node_modules/a": entry(integrity=f"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= {HASH}")})
    assert found.sha512 == HEX


def test_what_developers_need_and_what_comes_in_another_tarball_is_not_fetched() -> None:
    found = parse(
        {
            "node_modules/a": entry(),
            "node_modules/a/node_modules/b": {"version": "1.0.0", "inBundle": True},
            "node_modules/test": {"dev": True, "version": "1.0.0", "resolved": "git+ssh://git@example.com/x.git"},
            "node_modules/test/node_modules/c": entry(),
        }
    )
    assert [each.path for each in found] == ["node_modules/a"]


def test_optional_packages_are_left_out_unless_they_are_asked_for_and_fit() -> None:
    entries = {
        "node_modules/needed": entry(os=["linux", "darwin"], cpu=["!ia32"], libc="glibc"),
        "node_modules/x64": entry(optional=True, cpu=["x64"]),
        "node_modules/x64/node_modules/below": entry(optional=True),
        "node_modules/musl": entry(devOptional=True, libc=["musl"]),
        "node_modules/mac": entry(optional=True, os=["darwin"]),
        "node_modules/mac/node_modules/below": entry(),
        "node_modules/not-here": entry(optional=True, os=["!linux"]),
    }
    packages = parse(entries)
    assert [each.name for each in chosen(packages, X64, optional=False)] == ["needed"]
    assert [each.name for each in chosen(packages, X64, optional=True)] == ["needed", "x64", "below"]
    arm = platform_of(Architecture.ARM64)
    assert [each.name for each in chosen(packages, arm, optional=True)] == ["needed"]


def test_a_needed_package_that_does_not_fit_is_refused() -> None:
    with pytest.raises(PackageLockError, match=r"node_modules/mac: mac@1\.0\.0 is not for linux-x64"):
        chosen(parse({"node_modules/mac": entry(os=["darwin"])}), X64, optional=False)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("node_modules/a", {"version": "1.0.0"}, "no integrity"),
        ("node_modules/a", entry(integrity="sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="), "no integrity"),
        ("node_modules/a", entry(integrity="sha512-AAAA"), "no integrity"),
        ("node_modules/a", entry(integrity=f"{HASH} {HASH.replace('AAE', 'AAF')}"), "no integrity with one"),
        ("node_modules/a", entry(resolved="git+ssh://git@github.com/x/a.git#0123456"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(resolved="file:../a"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(resolved="http://registry.npmjs.org/a/-/a-1.0.0.tgz"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(resolved="https://evil.example/a/-/a-1.0.0.tgz"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(resolved=f"{REGISTRY}b/-/b-1.0.0.tgz"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(resolved=f"{REGISTRY}../a/-/a-1.0.0.tgz"), "only a@1.0.0 of https"),
        ("node_modules/a", entry(link=True), "link to a folder"),
        ("node_modules/a", entry(version="^1.0.0"), "no exact version"),
        ("node_modules/a", entry(version="1.0.0/../x"), "no exact version"),
        ("node_modules/a", entry(version=None), "no exact version"),
        ("node_modules/a", entry(version=1), "version is not as npm"),
        ("node_modules/a", entry(name="../a"), "not a package's name"),
        ("node_modules/a", entry(dev="yes"), "dev is not as npm"),
        ("node_modules/a", [], "the entry is not as npm"),
        ("node_modules/a", entry(bin={"../sh": "x"}, os=[1]), "os is not as npm"),
        ("node_modules/a", entry(bin={".": "x"}), "not a program's name"),
        ("node_modules/a", entry(bin={"a": "../../x"}), "not in the package"),
        ("node_modules/a", entry(bin={"a": "/bin/sh"}), "not in the package"),
        ("node_modules/a", {"inBundle": True}, "no package that brings it"),
        ("node_modules/a/node_modules/b", entry(), "in whose folder it is is missing"),
        ("../a", entry(), "not a place below node_modules"),
        ("node_modules/../../a", entry(), "not a place below node_modules"),
        ("node_modules/.bin", entry(), "not a place below node_modules"),
        ("node_modules/node_modules", entry(), "not a place below node_modules"),
        ("node_modules/a/b", entry(), "not a place below node_modules"),
        ("packages/a", entry(), "not a place below node_modules"),
        (f"node_modules/{'a' * 600}", entry(), "not a place below node_modules"),
    ],
)
def test_what_is_no_package_of_the_registry_by_its_hash_is_refused(path: str, value: Any, reason: str) -> None:
    with pytest.raises(PackageLockError, match=reason):
        parse({path: value})


@pytest.mark.parametrize(
    ("lock", "package", "reason"),
    [
        (b"{", b"{}", r"package-lock\.json is not JSON"),
        (b"\xff\xfe\x00", b"{}", r"package-lock\.json is not JSON"),
        (b"[" * 100_000, b"{}", r"package-lock\.json is not JSON"),
        (b"[]", b"{}", r"package-lock\.json is not an object"),
        (b'{"lockfileVersion": 1, "packages": {"": {}}}', b"{}", "lockfileVersion is not 3"),
        (b'{"lockfileVersion": 3}', b"{}", "no 'packages'"),
        (b'{"lockfileVersion": 3, "packages": {"": 1}}', b"{}", "no 'packages'"),
        (lock_of({}), b"", r"package\.json is not JSON"),
        (lock_of({}), b'{"dependencies": {"a": "1.0.0"}}', r"'dependencies' of package\.json are others"),
        (lock_of({f"node_modules/a{n}": {} for n in range(MOST_PACKAGES)}), b"{}", "more than 3000"),
    ],
)
def test_what_is_no_lock_file_of_the_app_is_refused(lock: bytes, package: bytes, reason: str) -> None:
    with pytest.raises(PackageLockError, match=reason):
        parse_package_lock(lock, package)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(["name", "version", "resolved", "integrity", "bin", "os", "dev", "link", "inBundle"])
_paths = st.from_regex(r"(node_modules/(@?[a.~-]{1,3}/)?[ab./-]{1,4}/?){1,3}", fullmatch=True) | st.text(max_size=30)
_good = st.builds(entry, bin=st.dictionaries(st.text("ab./-", max_size=4), st.text("ab./", max_size=6), max_size=2))


@given(st.dictionaries(_paths, _good | st.dictionaries(_names, _json, max_size=4) | _json, max_size=4))
def test_no_lock_file_leads_out_of_the_folder(entries: dict[str, Any]) -> None:
    entries.pop("", None)
    try:
        found = parse(entries)
    except PackageLockError as error:
        assert str(error).isprintable()
        return
    places = [package.path for package in found]
    assert len(set(places)) == len(places)
    for package in found:
        parts = package.path.split("/")
        assert parts[0] == "node_modules" and not {"", ".", "..", ".bin"} & set(parts)
        assert not any(part in ("", ".", "..") for part in package.url_path.split("/"))
        assert all("/" not in name and name not in (".", "..", "") for name, _ in package.programs)
        assert all(not {"..", ""} & set(inner.split("/")) for _, inner in package.programs)
        above = package.folder.removesuffix("/node_modules")
        assert package.folder == "node_modules" or places.index(above) < places.index(package.path)


_part = st.from_regex(r"[a-z][a-z0-9._-]{0,5}", fullmatch=True).filter(lambda part: part != "node_modules")
_tree = st.lists(st.lists(_part, min_size=1, max_size=3, unique=True).map(tuple), max_size=6, unique=True)


@given(_tree, st.randoms())
def test_every_tree_that_npm_writes_is_read_whatever_its_order(tree: list[tuple[str, ...]], random: Any) -> None:
    whole = {parts[:depth] for parts in tree for depth in range(1, len(parts) + 1)}
    paths = ["/".join(f"node_modules/{part}" for part in parts) for parts in whole]
    random.shuffle(paths)
    assert {package.path for package in parse({path: entry() for path in paths})} == set(paths)

"""What a manifest says of its data is checked where it is read."""

from pathlib import Path
from typing import Any

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.data import Reversible
from archipelago.container.manifest.package import load_package
from archipelago.container.manifest.way_back import way_back
from archipelago.container.manifest.yaml.problems import ManifestError
from support.app_manifests import app
from support.manifests import as_yaml, manifest

CHANNELS = {"data": "never-restore", "funds": True, "exclusive": True}
PROOF = {"data": "append-proof", "funds": True}
POSTGRES = {"type": "postgres", "container": "main"}
CLASSES = "rebuildable, files, database, append-proof, never-restore"
KINDS = "sqlite, lmdb, postgres, mariadb, command"


def database(**declared: Any) -> dict[str, Any]:
    """Return a volume with a database."""
    return {"data": "database", "database": declared}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({}, f"shop:30:3: volumes.data.data: missing key; expected one of: {CLASSES}"),
        ({"data": "file"}, f"volumes.data.data: wrong value: 'file'; expected one of: {CLASSES}; did you mean 'files"),
        ({"data": "files", "bakcup": 1}, "volumes.data.bakcup: unknown key"),
        ({"data": "database"}, "volumes.data: 'database' and 'data: database' belong together"),
        ({"data": "files", "database": POSTGRES}, "volumes.data: 'database' and 'data: database' belong together"),
        (database(), f"volumes.data.database.type: missing key; expected one of: {KINDS}"),
        (database(type="mysql"), f"volumes.data.database.type: wrong value: 'mysql'; expected one of: {KINDS}"),
        (database(type="sqlite", paths=[]), "volumes.data.database.paths: too few; expected at least 1 entry"),
        (database(type="sqlite", paths=["../x"]), "volumes.data.database.paths[0]: '../x' is no path inside a volume"),
        (database(type="lmdb", paths=["."]), "volumes.data.database.paths[0]: all of a volume is no path here"),
        (database(type="sqlite", paths=["{{ options.knid }}"]), "database.paths[0]: there is no option 'knid'"),
        (database(**POSTGRES | {"container": "db"}), "database.container: there is no container 'db'"),
        (database(**POSTGRES | {"secret": "kye"}), "database.secret: there is no secret 'kye'"),
        (
            database(type="mariadb", container="other"),
            "database.container: the container 'other' does not mount the volume 'data'; expected one of: main",
        ),
        (database(type="command", container="main", dump=["a"], load=[]), "database.load: too few"),
        ({"data": "files", "stream": "x"}, "volumes.data: 'stream' is for a volume with 'data: append-proof' alone"),
        (PROOF | {"stream": "../x"}, "volumes.data.stream: '../x' is no path inside a volume"),
        (PROOF | {"stream": "."}, "volumes.data.stream: all of a volume is no path here"),
        (PROOF | {"stream": "{{ options.knid }}/x"}, "volumes.data.stream: there is no option 'knid'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_volume_is_said_at_its_place(volume: dict[str, Any], expected: str) -> None:
    other = {"build": {"type": "packages", "packages": ["tor"]}}
    with pytest.raises(ManifestError) as caught:
        load_manifest(as_yaml(manifest(volumes__data=volume, containers__other=other)), "shop")
    assert expected in str(caught.value.problems[0]) and len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"volumes__data": {"data": "rebuildable", "funds": True}}, "with keys to money is never 'rebuildable'"),
        ({"volumes__data": {"data": "append-proof"}}, "must outlive the removal of its app; expected 'funds: true'"),
        ({"volumes__data": CHANNELS | {"funds": False}}, "'never-restore' must outlive the removal of its app"),
        ({"volumes__data": CHANNELS | {"exclusive": False}}, "'never-restore' must have one user alone"),
        ({"volumes__data": CHANNELS, "reversible": "yes"}, "reversible: there is no way back, as the volume 'data'"),
        ({"volumes__data": CHANNELS, "reversible": "until-first-write"}, "reversible: there is no way back"),
    ],
)  # fmt: skip
def test_an_app_whose_data_contradicts_its_class_does_not_come_into_the_catalog(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        load_package(folder(tmp_path, **changes))
    assert expected in str(caught.value.problems[0]) and len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"volumes__data": CHANNELS, "reversible": "no"},
        {"volumes__data": CHANNELS},
        {"volumes__data": {"data": "append-proof", "funds": True}},
        {"volumes__data": database(**POSTGRES), "reversible": "yes"},
        {"volumes__data": CHANNELS | {"per": "rpc.network"}, "requires__rpc": {}},
        {"volumes__data": database(type="sqlite", paths=["a"]) | {"per": "rpc.network"}, "requires__rpc": {}},
    ],
)
def test_what_fits_comes_into_the_catalog(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert load_package(folder(tmp_path, **changes)).manifest.id == "shop"


@pytest.mark.parametrize("installed", ["files", "never-restore"])
@pytest.mark.parametrize("offered", ["files", "never-restore"])
@pytest.mark.parametrize("said", [None, *Reversible])
def test_an_update_has_the_way_back_that_its_data_allows(installed: str, offered: str, said: Reversible | None) -> None:
    before = app("shop", volumes={"data": {"data": installed}}, reversible=Reversible.YES)
    after = app("shop", volumes={"data": {"data": offered}}, reversible=said)
    if "never-restore" in (installed, offered):
        assert way_back(before, after) is Reversible.NO
    else:
        assert way_back(before, after) is (said or Reversible.UNTIL_FIRST_WRITE)


def folder(where: Path, **changes: Any) -> Path:
    """Write an app's folder."""
    made = where / "shop"
    made.mkdir()
    (made / "manifest.yml").write_text(as_yaml(manifest(**changes)))
    return made

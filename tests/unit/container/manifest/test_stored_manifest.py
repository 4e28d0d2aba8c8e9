"""Manifests that earlier versions stored are read with a class for each volume, and stay as they were written."""

from collections.abc import Mapping

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.package import AppPackage, package_from_json, package_to_json
from archipelago.container.manifest.yaml.problems import ManifestError
from archipelago.storage.records.packages import read_package
from support.app_manifests import app
from support.manifests import as_yaml, manifest


def stored(text: str) -> AppPackage:
    """Return the package that an earlier version stored with this manifest."""
    return AppPackage(app("shop"), text, {"files/a": b"a"}, b"icon")


@pytest.mark.parametrize(
    ("volume", "data", "funds"),
    [
        ({}, DataClass.FILES, False),
        ({"backup": "include"}, DataClass.FILES, False),
        ({"backup": "exclude"}, DataClass.REBUILDABLE, False),
        ({"backup": "exclude", "funds": True}, DataClass.FILES, True),
        ({"backup": "include", "funds": True}, DataClass.FILES, True),
        ({"backup": "never"}, DataClass.NEVER_RESTORE, True),
        ({"backup": "never", "funds": True, "exclusive": True}, DataClass.NEVER_RESTORE, True),
        ({"data": "append-proof", "funds": True}, DataClass.APPEND_PROOF, True),
    ],
)
def test_a_volume_has_the_class_that_its_backup_meant(
    volume: Mapping[str, object], data: DataClass, funds: bool
) -> None:
    text = as_yaml(manifest(volumes__data=volume))
    package = read_package(package_to_json(stored(text)), "shop")
    assert not package.problem
    assert (package.manifest.volumes["data"].data, package.manifest.volumes["data"].funds) == (data, funds)
    assert package.manifest_text == text and package.package_digest() == stored(text).package_digest()
    assert package_from_json(package_to_json(package)) == package


def test_the_part_of_a_stored_manifest_that_can_be_read_has_classes() -> None:
    text = as_yaml(manifest(volumes__data={"backup": "never"}, color="red"))
    package = read_package(package_to_json(stored(text)), "shop")
    assert "color" in package.problem
    assert package.manifest.volumes["data"].data is DataClass.NEVER_RESTORE


@pytest.mark.parametrize("volumes", ["none", ["data"], {"data": "none"}, {"data": {"backup": {"a": 1}}}])
def test_what_is_wrong_in_a_stored_manifest_stays_wrong(volumes: object) -> None:
    text = as_yaml(manifest(volumes=volumes))
    if isinstance(volumes, dict) and isinstance(volumes["data"], dict):
        assert package_from_json(package_to_json(stored(text))).manifest.volumes["data"].data is DataClass.FILES
    else:
        with pytest.raises(ManifestError):
            package_from_json(package_to_json(stored(text)))


def test_the_form_of_an_earlier_version_is_read_from_storage_alone() -> None:
    with pytest.raises(ManifestError) as refused:
        load_manifest(as_yaml(manifest(volumes__data={"backup": "exclude"})), "shop")
    classes = "rebuildable, files, database, append-proof, never-restore"
    assert [f"{problem.message}; expected {problem.expected}" for problem in refused.value.problems] == [
        f"missing key; expected one of: {classes}",
        "replaced key; expected 'data': files (it was `include`), rebuildable (`exclude`) or never-restore (`never`), "
        "among others",
    ]

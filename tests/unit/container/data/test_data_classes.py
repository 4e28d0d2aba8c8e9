"""No value of the type that a restore takes can be made of a volume that is never restored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.data.data_classes import (
    AppendProofVolume,
    DatabaseVolume,
    FilesVolume,
    NeverRestoreVolume,
    RebuildableVolume,
    app_volumes,
    funds_volumes,
    restorable_volumes,
)
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.on_disk import Volume
from archipelago.storage.records.volumes import StrictestClass, with_declared
from support.app_manifests import app
from support.app_records import record_of

volumes = st.dictionaries(
    st.sampled_from(["chain", "keys", "channels", "notes"]), st.sampled_from(DataClass), max_size=4
).map(lambda drawn: {name: volume(data) for name, data in drawn.items()})


def volume(data: DataClass) -> dict[str, object]:
    """Return what a manifest says of a volume of a class."""
    return {"data": data.value} | ({"database": {"type": "sqlite", "paths": ["db"]}} if data == "database" else {})


def harbour(**volumes: dict[str, object]) -> AppManifest:
    return app("harbour", volumes=volumes)


@given(st.lists(volumes, min_size=1, max_size=3))
def test_what_one_version_never_restores_no_version_restores(drawn: list[dict[str, dict[str, object]]]) -> None:
    manifests = [harbour(**each) for each in drawn]
    classes = {
        name: {each.volumes[name].data for each in manifests if name in each.volumes} for name in set().union(*drawn)
    }
    found = {each.name: each for each in app_volumes(record_of(manifests[0]), *manifests[1:])}
    assert {name: each.declared.data for name, each in found.items()} == {
        name: max(of, key=list(DataClass).index) for name, of in classes.items()
    }
    kept = {DataClass.NEVER_RESTORE, DataClass.APPEND_PROOF}
    assert {each.name for each in restorable_volumes(record_of(manifests[0]), *manifests[1:])} == {
        name for name in found if not classes[name] & kept
    }


words = st.builds(StrictestClass, st.sampled_from(DataClass), st.booleans())


@given(st.dictionaries(st.sampled_from(["chain", "keys", "channels", "notes"]), words), st.lists(volumes, max_size=5))
def test_no_later_version_weakens_a_volume(
    before: dict[str, StrictestClass], versions: list[dict[str, dict[str, object]]]
) -> None:
    known = before
    for each in versions:
        manifest = harbour(**each)
        found = {one.name: one for one in app_volumes(record_of(manifest, known))}
        known = with_declared(known, manifest.volumes)
        assert found.keys() == each.keys() | {name for name, one in known.items() if one.funds}
        for name, one in found.items():
            assert (one.data, one.declared.funds) == (known[name].data, known[name].funds)
        for name, one in before.items():
            assert known[name].data.strictness >= one.data.strictness and known[name].funds >= one.funds


def test_keys_that_no_version_has_any_longer_are_known_as_well() -> None:
    record = record_of(harbour(), {"keys": StrictestClass(DataClass.FILES, True)})
    assert funds_volumes(record) == ("keys",)
    assert funds_volumes(record_of(harbour(), {"notes": StrictestClass(DataClass.FILES, False)})) == ()


def test_each_class_has_a_type() -> None:
    manifest = harbour(**{f"v-{data}": volume(data) for data in DataClass})
    assert {type(each).__name__: each.declared.data.value for each in app_volumes(record_of(manifest))} == {
        "RebuildableVolume": "rebuildable",
        "FilesVolume": "files",
        "DatabaseVolume": "database",
        "AppendProofVolume": "append-proof",
        "NeverRestoreVolume": "never-restore",
    }


@pytest.mark.parametrize(
    "kind", [RebuildableVolume, FilesVolume, DatabaseVolume, AppendProofVolume, NeverRestoreVolume]
)
@pytest.mark.parametrize("data", DataClass)
def test_a_type_takes_volumes_of_its_class_alone(kind: type[FilesVolume], data: DataClass) -> None:
    declared = Volume.model_validate(volume(data))
    if kind.data is data:
        assert kind("harbour", "hold", declared).declared is declared
    else:
        with pytest.raises(TypeError, match=f"the volume 'hold' of harbour is {data}, not {kind.data}"):
            kind("harbour", "hold", declared)


def test_manifests_of_different_apps_are_not_one() -> None:
    with pytest.raises(ValueError, match="other is not harbour"):
        app_volumes(record_of(harbour()), app("other"))

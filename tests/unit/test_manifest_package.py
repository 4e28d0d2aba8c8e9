"""App folders: what belongs to a package, what is refused, and that a snapshot gives back the same package."""

import json
import os
import shutil
from pathlib import Path

import pytest

from archipelago.container.manifest.package import (
    MAX_FILE_BYTES,
    MAX_FILES,
    AppPackage,
    load_package,
    package_from_json,
    package_to_json,
)
from archipelago.container.manifest.problems import ManifestError
from archipelago.docgen.manifest_reference import EXAMPLE_FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the example app's folder."""
    return Path(shutil.copytree(EXAMPLE_FOLDER, tmp_path / "harbour"))


def refused(folder: Path) -> list[str]:
    """Return the problems of a folder that must not load."""
    with pytest.raises(ManifestError) as caught:
        load_package(folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_is_read_whole(folder: Path) -> None:
    (folder / "icon.svg").write_bytes(b"<svg/>")
    package = load_package(folder)
    assert package.manifest.id == "harbour"
    assert package.icon == b"<svg/>"
    assert sorted(package.files) == [
        *("Containerfile", "files/cosign.pub", "files/harbour.conf.j2", "files/harbourd", "files/requirements.txt")
    ]


def test_a_snapshot_gives_back_the_same_package(folder: Path) -> None:
    (folder / "blob").write_bytes(bytes(range(256)))
    package = load_package(folder)
    again = package_from_json(package_to_json(package))
    assert again == package
    assert again.package_digest() == package.package_digest()
    assert package_to_json(again) == package_to_json(package)


def test_the_digest_follows_every_byte(folder: Path, tmp_path: Path) -> None:
    def digest() -> str:
        return load_package(folder).package_digest()

    digests = {digest()}
    (folder / "a").write_bytes(b"b")
    digests.add(digest())
    (folder / "a").rename(folder / "ab")
    digests.add(digest())
    (folder / "ab").write_bytes(b"")
    digests.add(digest())
    (folder / "icon.png").write_bytes(b"")
    digests.add(digest())
    assert len(digests) == 5
    copy = Path(shutil.copytree(folder, tmp_path / "other" / "harbour"))
    assert load_package(copy).package_digest() in digests


def test_files_that_the_manifest_names_must_be_there(folder: Path) -> None:
    shutil.rmtree(folder / "files")
    (folder / "files").mkdir()
    (folder / "files" / "harbourd.sh").write_text("")
    (folder / "Containerfile").unlink()
    lines = refused(folder)
    assert len(lines) == 5
    row = (folder / "manifest.yml").read_text().split("source: files/harbourd")[0].count("\n") + 1
    assert any(
        f"manifest.yml:{row}:20: containers.daemon.build.files[0].source: there is no file 'files/harbourd' in "
        "the app's folder; did you mean 'files/harbourd.sh'?" in line
        for line in lines
    ), lines


def test_the_folder_has_the_name_of_the_app(folder: Path) -> None:
    (line,) = refused(folder.rename(folder.parent / "haven"))
    assert line.endswith(
        "manifest.yml:3:5: id: the app's folder is named 'haven'; expected the same name as the folder"
    )


def test_templates_are_checked(folder: Path) -> None:
    (folder / "files" / "harbour.conf.j2").write_text("a\n{{ options.db_cash }}\n{{ secrets.rpc_pasword }}\n")
    lines = refused(folder)
    assert [line.rsplit("/", 1)[1] for line in lines] == [
        "harbour.conf.j2:2:1: there is no option 'db_cash'; did you mean 'db_cache'?",
        "harbour.conf.j2:3:1: there is no secret 'rpc_pasword'; did you mean 'rpc_password'?",
    ]
    (folder / "files" / "harbour.conf.j2").write_text("a\n{% if %}\n")
    (line,) = refused(folder)
    assert ":2:1: not a valid template" in line
    (folder / "files" / "harbour.conf.j2").write_bytes(b"\xff")
    (line,) = refused(folder)
    assert line.endswith("the template is not UTF-8")


def test_the_containerfile_is_checked(folder: Path) -> None:
    (folder / "Containerfile").write_text("ARG BASE\nFROM $BASE\nRUN --mount=type=bind,source=/,target=/x ls\n")
    (line,) = refused(folder)
    assert "Containerfile:3:1: RUN: --mount is not supported; " in line
    (folder / "Containerfile").write_bytes(b"\xff")
    (line,) = refused(folder)
    assert line.endswith("the Containerfile is not UTF-8")


def test_links_must_stay_inside(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (folder / "inside").symlink_to("Containerfile")
    assert load_package(folder).files["inside"] == (folder / "Containerfile").read_bytes()
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "directory").symlink_to("files")
    lines = refused(folder)
    assert len(lines) == 5
    # What a link to itself is called depends on the version of Python.
    assert sum("leads out of the app's folder" in line for line in lines if "loop" not in line) == 2


def test_pipes_are_refused_and_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (line,) = refused(folder)
    assert line.endswith("pipe:1:1: the file cannot be read: it is not a regular file")


def test_limits_on_files(folder: Path) -> None:
    (folder / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (line,) = refused(folder)
    assert "large:1:1: the file is too large; expected at most 1024 KiB" in line
    (folder / "large").unlink()
    for number in range(9):
        (folder / f"part{number}").write_bytes(b"x" * MAX_FILE_BYTES)
    assert any("the files are too large; expected at most 8 MiB together" in line for line in refused(folder))
    for number in range(9):
        (folder / f"part{number}").unlink()
    for number in range(MAX_FILES):
        (folder / f"n{number}").touch()
    assert any("there are too many files; expected at most 200" in line for line in refused(folder))


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    assert "the manifest cannot be read: No such file" in refused(tmp_path)[0]
    (tmp_path / "manifest.yml").write_bytes(b"a: 1\nb: \xff\n")
    assert refused(tmp_path)[0].endswith("manifest.yml:2:1: the text is not UTF-8")
    (tmp_path / "manifest.yml").write_bytes(b"a" * 300_000)
    assert refused(tmp_path)[0].endswith("the text is too large; expected at most 256 KiB")
    (tmp_path / "manifest.yml").unlink()
    (tmp_path / "manifest.yml").mkdir()
    assert "not a regular file" in refused(tmp_path)[0]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": 2}', '{"format": 1, "manifest": "", "files": {"a": "?"}, "icon": null}'],
)
def test_a_snapshot_that_is_none(text: str) -> None:
    with pytest.raises(ManifestError):
        package_from_json(text)


def test_packages_are_values(folder: Path) -> None:
    package = load_package(folder)
    assert package == load_package(folder)
    assert package != AppPackage(package.manifest, package.manifest_text)
    assert json.loads(package_to_json(package))["format"] == 1

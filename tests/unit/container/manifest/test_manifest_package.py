"""App folders: what belongs to a package, what is refused, and that a snapshot gives back the same package."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from archipelago.container.manifest import app_folder
from archipelago.container.manifest.app_folder import opened
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.package import (
    MAX_FILE_BYTES,
    MAX_FILES,
    AppPackage,
    load_package,
    package_from_json,
    package_to_json,
)
from archipelago.container.manifest.yaml.problems import ManifestError
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
        *("Containerfile", "files/build-requirements.txt", "files/cosign.pub", "files/go.mod", "files/go.sum"),
        *("files/harbour.conf.j2", "files/harbourd", "files/package-lock.json", "files/package.json"),
        "files/requirements.txt",
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
    assert len(lines) == 10
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


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    for name, target in (
        ("inside", "Containerfile"),
        ("out", tmp_path / "secret"),
        ("up", ".."),
        ("loop", "loop"),
        ("dangling", "nowhere"),
        ("directory", "files"),
        ("files/deeper", tmp_path),
    ):
        (folder / name).symlink_to(target)
        (line,) = refused(folder)
        assert line.endswith(
            f"{name}:1:1: the file cannot be read: it is a link; expected the file or directory itself"
        )
        (folder / name).unlink()
    assert load_package(folder)


@pytest.mark.parametrize("name", ["manifest.yml", "icon.svg", "Containerfile", "files/harbour.conf.j2", "files", "."])
def test_nothing_of_an_app_may_be_elsewhere(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / "icon.svg").write_text("<svg/>")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / name).rename(elsewhere / "harbour")
    (folder / name).symlink_to(elsewhere / "harbour")
    assert any("cannot be read: it is a link" in line for line in refused(folder))


@pytest.mark.parametrize("name", ["manifest.yml", "icon.svg", "files/harbour.conf.j2"])
def test_a_second_name_of_a_file_elsewhere_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("canary")
    (folder / name).unlink(missing_ok=True)
    (folder / name).hardlink_to(tmp_path / "secret")
    lines = refused(folder)
    assert any("it has another name elsewhere (a hard link); expected a copy" in line for line in lines), lines
    assert "canary" not in "".join(lines)


def test_a_file_that_becomes_a_link_while_it_is_read_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("canary")
    look = app_folder._require_file

    def swap(status: os.stat_result) -> None:
        look(status)
        if not (folder / "Containerfile").is_symlink():
            (folder / "Containerfile").unlink()
            (folder / "Containerfile").symlink_to(tmp_path / "secret")

    monkeypatch.setattr(app_folder, "_require_file", swap)
    with opened(folder) as here, pytest.raises(OSError, match="symbolic links"):
        app_folder.read(here, "Containerfile", 100)


def test_a_folder_that_never_ends_is_not_read_to_its_end(folder: Path) -> None:
    deep = folder.joinpath(*"abcdefghijk")
    deep.mkdir(parents=True)
    assert any("nested too deeply; expected at most 8 levels" in line for line in refused(folder))
    shutil.rmtree(folder / "a")
    (folder / "many").mkdir()
    for number in range(1001):
        (folder / "many" / str(number)).mkdir()
    assert any("too many files and directories; expected at most 1,000" in line for line in refused(folder))


def test_templates_have_a_size(folder: Path) -> None:
    template = folder / "files" / "harbour.conf.j2"
    template.write_text("text " * 100_000 + "{{ options.db_cache }}")
    assert load_package(folder)
    template.write_text("{{ 1 }}" * 3000)
    assert any("the template is too long: it has more than 10,000 words" in line for line in refused(folder))


@pytest.mark.parametrize("user", ["65536:0", "0:65536", "99999:1000"])
def test_a_user_of_the_next_app_is_refused(folder: Path, user: str) -> None:
    manifest = folder / "manifest.yml"
    text = re.sub(r"    user: .*", f'    user: "{user}"', manifest.read_text(), count=1)
    assert user in text
    manifest.write_text(text)
    assert any(
        f"user {user} is not one of the app's own; expected numbers up to 65535" in line for line in refused(folder)
    )
    # One that was installed before this was refused stays installed, so that it can be updated or removed.
    assert package_from_json(package_to_json(AppPackage(load_manifest(text, "x"), text)))


@pytest.mark.parametrize("value", [r"a\nb", r"a\rb", r"a\u2028b", r"a\x1bb"])
def test_an_export_of_several_lines_is_refused(folder: Path, value: str) -> None:
    manifest = folder / "manifest.yml"
    text = manifest.read_text()
    assert "exports: {" in text
    manifest.write_text(re.sub(r"exports: .*", lambda _: f'exports: {{network: "{value}"}}', text, count=1))
    assert any("a value for other apps has a line break" in line for line in refused(folder))


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


def test_requirements_files_that_pin_nothing_are_refused_with_the_line(folder: Path) -> None:
    for name in ("requirements.txt", "build-requirements.txt"):
        (folder / "files" / name).write_text("# pinned\nfoo @ git+https://evil.example/foo\n")
    first, second = refused(folder)
    assert "files/build-requirements.txt:2:1: URLs, repositories and local paths are not accepted" in first
    assert "files/requirements.txt:2:1:" in second and "expected name==version, with --hash=sha256:" in second


def test_lock_files_that_pin_nothing_are_refused(folder: Path) -> None:
    lock = folder / "files/package-lock.json"
    lock.write_text(
        lock.read_text().replace('"resolved": "https://registry.npmjs.org', '"resolved": "https://evil.example')
    )
    (problem,) = refused(folder)
    assert "files/package-lock.json" in problem and "node_modules/bytes: it comes from 'https://evil.example" in problem
    lock.unlink()
    (problem,) = refused(folder)
    assert "there is no file 'files/package-lock.json' in the app's folder" in problem

"""What is refused of an app in the catalog, with its line; one that is installed already keeps what it has."""

import copy
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.checks import new_apps
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.package import AppPackage, load_package, package_from_json, package_to_json
from archipelago.container.manifest.yaml.problems import ManifestError
from archipelago.container.podman_client import images
from archipelago.docgen.manifest_reference import EXAMPLE_FOLDER

IMAGE = f"registry.example/app/web:1@sha256:{'0' * 64}"
PLAIN: dict[str, Any] = {
    "manifest": 1,
    "id": "harbour",
    "name": "Harbour",
    "version": "1.0",
    "summary": "A test",
    "description": "A test",
    "category": "other",
    "license": "MIT",
    "volumes": {"state": {"data": "files"}},
    "containers": {"main": {"image": IMAGE, "mounts": [{"volume": "state", "path": "/data"}]}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an app with one template."""
    folder = tmp_path / "harbour"
    folder.mkdir()
    (folder / "conf.j2").write_text("a = 1\n")
    return folder


def write(folder: Path, text: str) -> None:
    (folder / "manifest.yml").write_text(text, encoding="utf-8", newline="")


def write_container(folder: Path, **parts: Any) -> None:
    values = copy.deepcopy(PLAIN)
    values["containers"]["main"].update(parts)
    write(folder, yaml.safe_dump(values, sort_keys=False))


def problems(folder: Path) -> list[str]:
    """Return what is wrong with a folder, without its path."""
    try:
        load_package(folder)
    except ManifestError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def installed(folder: Path) -> AppPackage:
    """Return the app as the node would read it again, had an earlier version installed it."""
    text = (folder / "manifest.yml").read_text()
    return package_from_json(package_to_json(AppPackage(load_manifest(text, "x"), text)))


class TestHiddenCharacters:
    @pytest.mark.parametrize(
        "character",
        ["\x85", "\u2028", "\u2029", "\r", "\ufeff", "\u202e", "\u2066", "\u200f", "\x07", "\x9b", "\U000e0041"],
    )
    def test_none_may_stand_in_the_manifest(self, folder: Path, character: str) -> None:
        text = yaml.safe_dump(PLAIN, sort_keys=False)
        write(folder, text.replace("license: MIT\n", f"license: MIT # x{character}egress: lan\n"))
        (problem,) = problems(folder)
        line = text[: text.index("license")].count("\n") + 1
        assert problem.startswith(f"manifest.yml:{line}:17: the character U+{ord(character):04X} (")

    def test_a_file_of_windows_is_read(self, folder: Path) -> None:
        write(folder, yaml.safe_dump(PLAIN).replace("\n", "\r\n"))
        assert problems(folder) == []

    @pytest.mark.parametrize("escape", ["\\u2028", "\\u202E", "\\uFEFF"])
    def test_none_may_be_the_value_of_an_escape(self, folder: Path, escape: str) -> None:
        write(folder, yaml.safe_dump(PLAIN).replace("summary: A test", f'summary: "A {escape} test"'))
        (problem,) = problems(folder)
        assert re.match(r"manifest\.yml:\d+:10: summary: the text has the character U\+", problem)
        assert installed(folder)

    def test_none_may_stand_in_a_template_or_a_containerfile(self, folder: Path) -> None:
        (folder / "conf.j2").write_text("a = 1\nb = 2 # \u2028c = 3\n")
        write_container(folder, files=[{"path": "/etc/conf", "template": "conf.j2"}])
        assert problems(folder) == [
            "conf.j2:2:9: the character U+2028 (line separator) is not allowed; expected plain text without it"
        ]

    @pytest.mark.parametrize(
        ("name", "where"),
        [
            ("Containerfile", "# x\u2028RUN a\n"),
            ("files/requirements.txt", "# x\u2028other==1\n"),
            ("files/harbourd", "# x\u2028true\n"),
        ],
    )
    def test_none_may_stand_in_what_makes_an_image(self, tmp_path: Path, name: str, where: str) -> None:
        example = Path(shutil.copytree(EXAMPLE_FOLDER, tmp_path / "harbour"))
        file = example / name
        file.write_text(where + file.read_text())
        assert f"{name}:1:4: the character U+2028 (line separator) is not allowed; expected plain text without it" in (
            problems(example)
        )

    def test_what_is_no_text_may_hold_any_byte(self, tmp_path: Path) -> None:
        example = Path(shutil.copytree(EXAMPLE_FOLDER, tmp_path / "harbour"))
        (example / "files" / "harbourd").write_bytes("\x7fELF\0\u2028\x07".encode())
        assert problems(example) == []


class TestNumbers:
    @pytest.mark.parametrize("version", ["true", "1.0", "1e0", "True"])
    def test_the_version_is_a_whole_number(self, folder: Path, version: str) -> None:
        write(folder, yaml.safe_dump(PLAIN, sort_keys=False).replace("manifest: 1\n", f"manifest: {version}\n"))
        assert problems(folder) == [f"manifest.yml:1:11: manifest: wrong value: {version}; expected the number 1"]
        assert installed(folder).manifest.manifest == 1

    @pytest.mark.parametrize("size", [0, 1, "0.4B", "4095B"])
    def test_scratch_space_has_a_limit(self, folder: Path, size: object) -> None:
        write_container(folder, tmpfs=[{"path": "/scratch", "size": size}])
        (problem,) = problems(folder)
        assert "containers.main.tmpfs[0].size" in problem and problem.endswith("expected at least 4KiB, such as 16MiB")
        assert installed(folder)

    @pytest.mark.parametrize("key", ["default", "minimum", "maximum"])
    def test_a_whole_number_is_one_that_every_program_keeps(self, folder: Path, key: str) -> None:
        option = {"type": "int", "label": "X", "default": 2**53 - 1, "maximum": 2**60, **{key: 2**53}}
        if key == "minimum":
            option["default"] = 2**54
        write(folder, yaml.safe_dump({**PLAIN, "options": {"x": option}}))
        assert any(f"options.x.{key}: the {key} is out of range" in problem for problem in problems(folder))
        assert installed(folder)

    def test_nips_are_numbers_of_nips(self, folder: Path) -> None:
        write(folder, yaml.safe_dump({**PLAIN, "web5": {"role": "relay", "nips": [1, -1, 10**20]}}))
        assert [problem.partition(": ")[2].partition(":")[0] for problem in problems(folder)] == [
            "web5.nips[1]",
            "web5.nips[2]",
        ]


@pytest.mark.parametrize("image", ["redis", "library/redis:7", "acme/redis"])
def test_an_image_names_its_registry(folder: Path, image: str) -> None:
    write_container(folder, image=f"{image}@sha256:{'0' * 64}")
    (problem,) = problems(folder)
    assert f"the image '{image}' does not name its registry" in problem
    for good in ("docker.io/library/redis:7", "localhost/a", "host:5000/a", "r.example:443/a/b-c_d:V1.0"):
        write_container(folder, image=f"{good}@sha256:{'0' * 64}")
        assert problems(folder) == []


@given(st.from_regex(new_apps._IMAGE, fullmatch=True))
def test_whatever_image_the_manifest_may_name_podman_can_be_asked_for(image: str) -> None:
    assert images._REFERENCE.fullmatch(image)


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "why"),
        [
            ("/x/.", "not written in its shortest form; expected '/x'"),
            ("/x/", "not written in its shortest form; expected '/x'"),
            ("/./x", "not written in its shortest form; expected '/x'"),
            ("/proc", "/proc is made by the node"),
            ("/proc/./self", "/proc is made by the node"),
            ("/sys/fs/cgroup", "/sys is made by the node"),
            ("/dev", "/dev is made by the node"),
            ("/dev/mqueue", "/dev is made by the node"),
            ("/.archipelago", "/.archipelago is made by the node"),
            ("/.archipelago/environment", "/.archipelago is made by the node"),
            ("/etc", "the node writes it, or what is in it"),
            ("/etc/.", "the node writes it, or what is in it"),
            ("/etc/resolv.conf", "the node writes it, or what is in it"),
        ],
    )
    def test_some_are_not_for_apps(self, folder: Path, place: str, why: str) -> None:
        for parts in (
            {"mounts": [{"volume": "state", "path": place}]},
            {"tmpfs": [{"path": place}]},
            {"files": [{"path": place, "template": "conf.j2"}]},
        ):
            write_container(folder, **parts)
            found = problems(folder)
            assert any(why in problem for problem in found), found
            assert all(re.match(r"manifest\.yml:\d+:\d+: containers\.main\.\w+\[0\]\.path: ", each) for each in found)

    def test_others_are(self, folder: Path) -> None:
        write_container(
            folder,
            workdir="/data",
            mounts=[{"volume": "state", "path": "/data"}],
            tmpfs=[{"path": "/data/nodes"}, {"path": "/dev/shm"}, {"path": "/process"}],
            files=[
                {"path": "/etc/app/conf", "template": "conf.j2"},
                {"path": "/data/conf", "template": "conf.j2"},
                {"path": "/tmp/conf", "template": "conf.j2"},
            ],
        )
        assert problems(folder) == []

    @pytest.mark.parametrize(
        ("parts", "why"),
        [
            ({"files": ["/etc/a", "/etc/a/b"]}, "/etc/a/b is below /etc/a, which is a file"),
            ({"files": ["/etc/a"], "tmpfs": ["/etc/a/b"]}, "/etc/a/b is below /etc/a, which is a file"),
            ({"files": ["/tmp"]}, "/tmp is a directory in each container"),
            ({"files": ["/dev/shm"]}, "/dev is made by the node"),
            ({"files": ["/run/.containerenv"]}, "the node writes it"),
            ({"files": ["/data"]}, "the path /data is used twice"),
        ],
    )
    def test_what_cannot_be_mounted_over_another(self, folder: Path, parts: dict[str, Any], why: str) -> None:
        write_container(
            folder,
            tmpfs=[{"path": path} for path in parts.get("tmpfs", ())],
            files=[{"path": path, "template": "conf.j2"} for path in parts.get("files", ())],
        )
        (problem,) = problems(folder)
        assert why in problem

    def test_a_file_of_an_image_has_a_place_too(self, folder: Path) -> None:
        file = {"source": "conf.j2", "path": "/usr/./conf"}
        values = copy.deepcopy(PLAIN)
        main = values["containers"]["main"]
        del main["image"]
        main["build"] = {"type": "packages", "packages": ["x"], "files": [file]}
        write(folder, yaml.safe_dump(values))
        (problem,) = problems(folder)
        assert "containers.main.build.files[0].path: /usr/./conf is not written in its shortest form" in problem


class TestSharedVolumes:
    def manifest(self, folder: Path, *users: str) -> None:
        values = copy.deepcopy(PLAIN)
        main = values["containers"]["main"]
        values["containers"] = {f"c{n}": {**copy.deepcopy(main), "user": user} for n, user in enumerate(users)}
        write(folder, yaml.safe_dump(values))

    def test_they_belong_to_one_user(self, folder: Path) -> None:
        self.manifest(folder, "1000:1000", "1000:1000", "1000:7")
        (problem,) = problems(folder)
        assert "containers.c2.mounts[0].volume: the volume 'state' is also mounted by 'c0', which runs as 1000:1000; "
        assert "'c2' runs as 1000:7, and neither could use what the other one writes" in problem
        assert problem.endswith("expected the same 'user' in 'c2' and 'c0', or a volume for each")
        assert installed(folder), "an app that is installed already is not taken away"

    def test_of_one_user_they_are_shared(self, folder: Path) -> None:
        self.manifest(folder, "1000:1000", "1000:1000")
        assert problems(folder) == []

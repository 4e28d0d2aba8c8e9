"""References and commands of images: plain values, the same for the same recipe."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from archipelago.container.images.python_packages.installer import uv_command
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.recipe import (
    BUILDER_VERSION,
    BuildTools,
    base_digest,
    base_recipe,
    base_reference,
    go_builder,
    installed_version,
    is_version,
    main_package,
    marked_names,
    mmdebstrap_command,
    overlay_files,
    pulled_mark,
    python_builder,
    recipe_digest,
    reference,
    sources,
)
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.model.images import (
    ContainerfileRecipe,
    GoBuild,
    NpmInstall,
    PackagesBase,
    PackagesRecipe,
    PythonBuild,
)
from archipelago.container.manifest.package import AppPackage, load_package
from support.checkout import APPS, CHECKOUT

TOOLS = BuildTools(uv="uv", architecture=Architecture.ARM64, mirror="http://mirror.example/debian")


def changed(package: AppPackage, name: str) -> AppPackage:
    files = {**package.files, name: package.files[name] + b"\n"}
    return AppPackage(package.manifest, package.manifest_text, files, package.icon)


def test_every_app_of_the_project_loads_and_has_an_icon() -> None:
    folders = sorted(manifest.parent for manifest in APPS.glob("*/manifest.yml"))
    packages = [load_package(folder) for folder in folders]
    assert {package.manifest.id for package in packages} >= {
        "bitcoin-knots",
        "electrumx",
        "nostr-relay",
        "tor",
        "specter",
    }
    assert all(package.icon for package in packages)


def test_the_reference_follows_what_the_image_is_made_of_and_nothing_else() -> None:
    electrumx = load_package(APPS / "electrumx")
    assert reference(electrumx, "main") == reference(load_package(APPS / "electrumx"), "main")
    assert reference(electrumx, "main").startswith("localhost/archipelago/electrumx-main:")
    assert reference(changed(electrumx, "files/start"), "main") != reference(electrumx, "main")
    assert reference(changed(electrumx, "requirements.txt"), "main") != reference(electrumx, "main")
    template = "files/environment.j2"
    assert reference(changed(electrumx, template), "main") == reference(electrumx, "main"), "mounted, not built in"


def test_of_a_pulled_image_go_the_nodes_own_names_and_only_when_no_reference_with_its_digest_is_kept() -> None:
    one, other = "a" * 64, "b" * 64
    name = f"registry.example/x/app@sha256:{one}"
    mark = pulled_mark(f"registry.example/x/app:1.2@sha256:{one}")
    names = (mark, name, "localhost/mine:1")
    assert marked_names(names, {f"registry.example/x/app:1.2@sha256:{one}"}) == ()
    assert marked_names(names, {f"elsewhere.example/app@sha256:{one}", "localhost/archipelago/x-main:1"}) == ()
    assert marked_names(names, {f"registry.example/x/app:1.2@sha256:{other}"}) == (name, mark)
    assert marked_names((name, "localhost/mine:1"), set()) == (), "the node did not pull it"


def test_a_base_has_a_reference_of_its_own_and_is_part_of_what_is_built_upon_it() -> None:
    example = load_package(CHECKOUT / "src/archipelago/docgen/example/harbour")
    notes = example.manifest.containers["notes"].build
    assert isinstance(notes, ContainerfileRecipe) and notes.base is not None
    base = base_recipe(notes)
    assert base is not None and base.packages == notes.base.packages
    again = base_recipe(ContainerfileRecipe(type="containerfile", containerfile="Other", base=notes.base))
    assert again is not None and base_reference(again) == base_reference(base)
    more = PackagesBase(packages=(*base.packages, "curl"))
    other = notes.model_copy(update={"base": more})
    assert base_recipe(other) not in (None, base)
    spec = example.manifest.containers["notes"]
    assert recipe_digest(example, spec) != recipe_digest(example, spec.model_copy(update={"build": other}))
    assert base_recipe(ContainerfileRecipe(type="containerfile")) is None


def test_commands_name_the_images_architecture_and_python_and_hold_no_shell() -> None:
    recipe = PackagesRecipe(type="packages", suite="trixie", packages=("python3",), python="requirements.txt")
    command = mmdebstrap_command(recipe, TOOLS, Path("/w/overlay"), Path("/w/root.tar"))
    assert "--architectures=arm64" in command
    assert "--include=base-files,python3" in command
    assert any("http://mirror.example/debian trixie main" in word for word in command)
    words = uv_command("uv", PythonTarget("trixie", Architecture.ARM64), Path("/w"), Path("/w/target"))
    assert {"--require-hashes", "--offline", "--no-index", "--no-build", "--no-config"} <= {*words}
    assert words[words.index("--python-version") + 1] == "3.13"
    assert words[words.index("--python-platform") + 1] == "aarch64-manylinux_2_40"


def test_what_builds_python_packages_is_part_of_a_recipe_only_where_it_is_used() -> None:
    electrumx = load_package(APPS / "electrumx")
    spec = electrumx.manifest.containers["main"]
    assert isinstance(spec.build, PackagesRecipe) and spec.build.python_build is not None
    assert recipe_digest(changed(electrumx, "build-requirements.txt"), spec) != recipe_digest(electrumx, spec)
    builder = python_builder(spec.build, PythonBuild(requirements="x", packages=("gcc", "python3")))
    assert (builder.suite, builder.packages, builder.python) == ("bookworm", ("gcc", "python3"), None)
    go = GoBuild(programs=("rsc.io/hello",))
    assert go_builder(go).suite == "sid" and (go.names, go.sums) == (("hello",), "go.sum")
    assert base_digest(PackagesRecipe(type="packages", packages=("python3",), go=go)) != base_digest(
        PackagesRecipe(type="packages", packages=("python3",))
    )
    npm = PackagesRecipe(type="packages", packages=("python3",), npm=NpmInstall(package="web/package.json"))
    assert npm.pinning_files == ("web/package.json", "web/package-lock.json")
    assert base_digest(npm) != base_digest(PackagesRecipe(type="packages", packages=("python3",)))
    # Recipes without it have the digest that they had before it was known, so their images stay.
    old = {"type": "packages", "suite": "bookworm", "packages": ["python3"], "python": None, "files": []}
    value = json.dumps([BUILDER_VERSION, old, {}], sort_keys=True)
    recipe = PackagesRecipe(type="packages", packages=("python3",))
    assert base_digest(recipe) == hashlib.sha256(value.encode()).hexdigest()


def test_files_of_the_recipe_keep_their_modes() -> None:
    electrumx = load_package(APPS / "electrumx")
    recipe = electrumx.manifest.containers["main"].build
    assert isinstance(recipe, PackagesRecipe)
    files = overlay_files(recipe, electrumx.files)
    assert files["usr/local/bin/start"] == (electrumx.files["files/start"], 0o755)


def test_stable_suites_come_with_their_security_updates_from_their_own_mirror() -> None:
    tools = BuildTools("uv", Architecture.AMD64, mirror="http://m/debian", security_mirror="http://s/security")
    for suite in ("bookworm", "trixie"):
        found = [line.split("] ")[1] for line in sources(suite, tools)]
        assert found == [
            f"http://m/debian {suite} main",
            f"http://s/security {suite}-security main",
            f"http://m/debian {suite}-updates main",
        ]
    assert [line.split("] ")[1] for line in sources("sid", tools)] == ["http://m/debian sid main"]
    assert all("[signed-by=/usr/share/keyrings/" in line for line in sources("trixie", tools))


def test_the_package_that_is_the_app_is_the_one_with_its_name() -> None:
    recipe = PackagesRecipe(type="packages", packages=("busybox-static", "tor=0.4.9.11-0+deb12u1"))
    assert main_package("tor", recipe) == "tor"
    assert main_package("electrumx", recipe) is None
    command = mmdebstrap_command(recipe, TOOLS, Path("/w/overlay"), Path("/w/root.tar"), shown="tor")
    assert '--extract-hook=echo "$1"/var/cache/apt/archives/tor_*.deb' in command


def test_what_the_set_up_of_ca_certificates_would_make_is_made_where_the_package_is(tmp_path: Path) -> None:
    recipe = PackagesRecipe(type="packages", packages=("x",))
    (hook,) = (word for word in mmdebstrap_command(recipe, TOOLS, Path("/o"), Path("/t")) if "ca-certificates" in word)
    command = ("sh", "-ec", hook.removeprefix("--extract-hook="), "sh", str(tmp_path))
    subprocess.run(command, check=True)
    assert list(tmp_path.iterdir()) == []
    authorities = tmp_path / "usr/share/ca-certificates/mozilla"
    authorities.mkdir(parents=True)
    for name in ("one", "two"):
        (authorities / f"{name}.crt").write_text(f"{name}\n")
    subprocess.run(command, check=True)
    assert (tmp_path / "etc/ssl/certs/ca-certificates.crt").read_text() == "one\ntwo\n"
    assert (tmp_path / "usr/lib/ssl/cert.pem").readlink() == Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("I: x\n/tmp/m.Un/var/cache/apt/archives/tor_0.4.9.15-0+deb13u1_amd64.deb\nI: done\n", "0.4.9.15-0+deb13u1"),
        ("/t/var/cache/apt/archives/tor_1%3a4.13+dfsg1-1_all.deb", "1:4.13+dfsg1-1"),
        ("/t/var/cache/apt/archives/tor_*.deb", None),
        ("/t/var/cache/apt/archives/tor-geoipdb_0.4_all.deb", None),
        ("", None),
    ],
)
def test_the_installed_version_is_read_from_what_the_builder_prints(output: str, version: str | None) -> None:
    assert installed_version("tor", output) == version


@pytest.mark.parametrize(
    ("said", "installed", "same"),
    [
        ("0.4.9", "0.4.9.11-0+deb12u1", True),
        ("29.4", "29.4+dfsg-1", True),
        ("29.4", "1:29.4-1", True),
        ("29.4", "29.4", True),
        ("29.4", "29.4~ds1-2", True),
        ("29.4", "29.40-1", False),
        ("29.4", "29.3-1", False),
        ("29.4", "29.4~rc1-1", False),
        ("29.4rc1", "29.4~rc1-1", True),
        ("1.0", "1:1.35.0-4+b7", False),
    ],
)
def test_versions_are_compared_without_what_the_distribution_adds(said: str, installed: str, same: bool) -> None:
    assert is_version(said, installed) is same

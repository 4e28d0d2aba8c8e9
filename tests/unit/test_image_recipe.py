"""References and commands of images: plain values, the same for the same recipe."""

from pathlib import Path

from archipelago.container.image_recipe import Tools, mmdebstrap_command, overlay_files, reference, uv_command
from archipelago.container.manifest.model import Architecture, PackagesRecipe
from archipelago.container.manifest.package import AppPackage, load_package

APPS = Path(__file__).parents[2] / "apps"
TOOLS = Tools(uv="uv", architecture=Architecture.ARM64, mirror="http://mirror.example/debian")


def changed(package: AppPackage, name: str) -> AppPackage:
    files = {**package.files, name: package.files[name] + b"\n"}
    return AppPackage(package.manifest, package.manifest_text, files, package.icon)


def test_every_app_of_the_project_loads_and_has_an_icon() -> None:
    folders = sorted(folder for folder in APPS.iterdir() if folder.is_dir())
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


def test_commands_name_the_images_architecture_and_python_and_hold_no_shell() -> None:
    recipe = PackagesRecipe(type="packages", suite="trixie", packages=("python3",), python="requirements.txt")
    command = mmdebstrap_command(recipe, TOOLS, Path("/w/overlay"), Path("/w/root.tar"))
    assert "--architectures=arm64" in command
    assert "--include=base-files,python3" in command
    assert any("http://mirror.example/debian trixie main" in word for word in command)
    words = uv_command(recipe, TOOLS, Path("/w/requirements.txt"), Path("/w/target"))
    assert "--require-hashes" in words
    assert words[words.index("--python-version") + 1] == "3.13"
    assert words[words.index("--python-platform") + 1] == "aarch64-manylinux_2_40"


def test_files_of_the_recipe_keep_their_modes() -> None:
    electrumx = load_package(APPS / "electrumx")
    recipe = electrumx.manifest.containers["main"].build
    assert isinstance(recipe, PackagesRecipe)
    files = overlay_files(recipe, electrumx.files)
    assert files["usr/local/bin/start"] == (electrumx.files["files/start"], 0o755)

"""What an image is made of, as plain values: references, digests, and the commands that build it. Pure."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from archipelago.container.manifest.containerfile.steps import ImageConfig
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.images import ContainerfileRecipe, GoBuild, PackagesRecipe, PythonBuild
from archipelago.container.manifest.package import AppPackage

REPOSITORY = "localhost/archipelago"
PULLED = f"{REPOSITORY}/pulled:"
BUILT_LABEL = "io.archipelago.built"
"""On an image that was built here: the digest of its recipe."""
BASE_LABEL = "io.archipelago.base"
"""On an image that was built upon another one made here: its reference."""
BUILDER_VERSION = 6
"""Raised when the builder itself changes what it makes: images are built again."""

DEFAULT_MIRROR = "http://deb.debian.org/debian"
DEFAULT_SECURITY_MIRROR = "http://deb.debian.org/debian-security"
DEFAULT_INDEX = "https://pypi.org/simple/"
"""Index of Python packages (simple API in JSON, PEP 691)."""

_STABLE = ("bookworm", "trixie")
"""Suites that get corrections in repositories of their own; sid gets them in place."""

_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/var/cache/*")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_ARCHIVES = "/var/cache/apt/archives/"
_LIST_PACKAGES = (
    f'mkdir -p "$1"/var/lib/dpkg/status.d && for deb in "$1"{_ARCHIVES}*.deb; do '
    'dpkg-deb --field "$deb" >"$1"/var/lib/dpkg/status.d/"$(dpkg-deb --field "$deb" Package)" || exit 1; done'
)
_FIND_LIBRARIES = (
    '[ -e "$1"/etc/ld.so.conf ] || echo "include /etc/ld.so.conf.d/*.conf" >"$1"/etc/ld.so.conf; '
    '/sbin/ldconfig -r "$1" && rm -rf "$1"/var/cache/ldconfig'
)
"""Makes the names and the cache by which programs find libraries; the host's own ldconfig(8) reads the libraries."""
_TRUST_AUTHORITIES = (
    'if [ -d "$1"/usr/share/ca-certificates/mozilla ]; then mkdir -p "$1"/etc/ssl/certs "$1"/usr/lib/ssl && '
    'cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1"/etc/ssl/certs/ca-certificates.crt && '
    'ln -sf /etc/ssl/certs/ca-certificates.crt "$1"/usr/lib/ssl/cert.pem; fi'
)
"""Makes the list of certificate authorities where OpenSSL, GnuTLS and Go look for it."""
DEFAULT_MODULE_PROXY = "https://proxy.golang.org/"
"""Where Go modules come from (https://go.dev/ref/mod#goproxy-protocol)."""
DEFAULT_NPM_REGISTRY = "https://registry.npmjs.org/"
"""Where packages for Node.js come from."""
PROGRAMS = "usr/local/bin"
"""Where programs that are built come in an image."""
PYTHON_PACKAGES = "usr/lib/python3/dist-packages"
NODE_PACKAGES = "usr/local/lib"
"""Where `node_modules` comes in an image: what is below the same folder finds the packages."""


@dataclass(frozen=True, slots=True)
class BuildTools:
    """Programs and settings of the host that builds."""

    uv: str
    architecture: Architecture
    mirror: str = DEFAULT_MIRROR
    security_mirror: str = DEFAULT_SECURITY_MIRROR
    python_index: str = DEFAULT_INDEX
    module_proxy: str = DEFAULT_MODULE_PROXY
    npm_registry: str = DEFAULT_NPM_REGISTRY


def reference(package: AppPackage, container: str) -> str:
    """Return the reference of a container's image: as pulled, or by the digest of the recipe and its files."""
    spec = package.manifest.containers[container]
    if spec.image is not None:
        return spec.image
    return f"{REPOSITORY}/{package.manifest.id}-{container}:{recipe_digest(package, spec)[:16]}"


def recipe_digest(package: AppPackage, container: Container) -> str:
    """Return a digest over everything that the built image depends on."""
    recipe = container.build
    assert recipe is not None
    names = sorted(package.files) if isinstance(recipe, ContainerfileRecipe) else _recipe_files(recipe)
    return _digest(recipe, {name: package.files[name] for name in names})


def pulled_mark(reference: str) -> str:
    """Return the name that says of a pulled image that this node pulled it, by its digest."""
    return f"{PULLED}{reference.rpartition('@sha256:')[2]}"


def marked_names(names: Collection[str], keep: Collection[str]) -> tuple[str, ...]:
    """Return which of an image's names go, once only the references in `keep` are needed; the mark goes last.

    That is nothing where the node did not pull the image, or where a kept reference has the same digest, under whatever
    name: Podman does not pull what it has, so one name may stand for several. Names that the owner gave are left alone.
    """
    kept = {pulled_mark(name) for name in keep if "@" in name}
    marks = [name for name in names if name.startswith(PULLED) and name not in kept]
    digests = tuple(f"@sha256:{mark.removeprefix(PULLED)}" for mark in marks)
    return (*(name for name in names if digests and name.endswith(digests)), *marks)


def base_recipe(recipe: ContainerfileRecipe) -> PackagesRecipe | None:
    """Return the recipe of the image that a Containerfile builds upon; None where it names its own."""
    if recipe.base is None:
        return None
    return PackagesRecipe(type="packages", suite=recipe.base.suite, packages=recipe.base.packages)


def base_reference(base: PackagesRecipe) -> str:
    """Return the reference of an image to build upon; apps that ask for the same one share it."""
    return f"{REPOSITORY}/base:{base_digest(base)[:16]}"


def base_digest(base: PackagesRecipe) -> str:
    """Return a digest over everything that an image to build upon depends on."""
    return _digest(base, {})


def python_builder(recipe: PackagesRecipe, build: PythonBuild) -> PackagesRecipe:
    """Return the recipe of the image in which Python packages are built."""
    packages = tuple(sorted({"python3", *build.packages}))
    return PackagesRecipe(type="packages", suite=recipe.suite, packages=packages)


def go_builder(build: GoBuild) -> PackagesRecipe:
    """Return the recipe of the image in which Go programs are built."""
    return PackagesRecipe(type="packages", suite=build.suite, packages=("golang-go",))


def _digest(recipe: PackagesRecipe | ContainerfileRecipe, files: Mapping[str, bytes]) -> str:
    contents = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    # What a recipe does not use does not change its digest: images of before it was known stay.
    unused = {name for name in ("python_build", "go", "npm") if getattr(recipe, name, None) is None}
    value = [BUILDER_VERSION, recipe.model_dump(mode="json", exclude=unused), contents]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _recipe_files(recipe: PackagesRecipe) -> list[str]:
    return sorted([*(file.source for file in recipe.files), *recipe.pinning_files])


def overlay_files(recipe: PackagesRecipe, files: Mapping[str, bytes]) -> dict[str, tuple[bytes, int]]:
    """Return what is laid over the packages: path inside the image -> content and mode."""
    return {file.path.lstrip("/"): (files[file.source], 0o755 if file.executable else 0o644) for file in recipe.files}


def sources(suite: str, tools: BuildTools) -> tuple[str, ...]:
    """Return the package sources of a suite (sources.list(5)), with its security and other updates."""
    origins = [(tools.mirror, suite)]
    if suite in _STABLE:
        origins += [(tools.security_mirror, f"{suite}-security"), (tools.mirror, f"{suite}-updates")]
    return tuple(f"deb [signed-by={_KEYRING}] {mirror} {name} main" for mirror, name in origins)


def mmdebstrap_command(
    recipe: PackagesRecipe, tools: BuildTools, overlay: Path, output: Path, shown: str | None = None
) -> tuple[str, ...]:
    """Return the command that makes a root file system of signed packages (mmdebstrap(1)).

    It runs as root of a user namespace, so it needs no right on the host. Nothing of a package is executed: they are
    only unpacked. What it prints names the file of the package `shown`, which `installed_version` finds there.
    """
    return (
        # Not --quiet: that a disk is full is a mere warning to mmdebstrap.
        *("mmdebstrap", "--mode=root", "--variant=extract"),
        # Nothing runs in what is only extracted; what a killed mmdebstrap has mounted, nobody would unmount.
        "--skip=chroot/mount",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f"--architectures={tools.architecture.value}",
        # base-files brings the links of a merged /usr (/lib64 …), which newer releases of mmdebstrap leave to it.
        f"--include={','.join(('base-files', *recipe.packages))}",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=Acquire::Retries "3"',
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        f"--extract-hook=sync-in {overlay} /",
        # What is only extracted is not in dpkg's own list; scanners know this one, of distroless images.
        f"--extract-hook={_LIST_PACKAGES}",
        # What these set-up scripts would do, which are not run.
        f"--extract-hook={_FIND_LIBRARIES}",
        f"--extract-hook={_TRUST_AUTHORITIES}",
        *((f'--extract-hook=echo "$1"{_ARCHIVES}{shown}_*.deb',) if shown else ()),
        recipe.suite,
        str(output),
        *sources(recipe.suite, tools),
    )


def image_changes(config: ImageConfig, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return what an image says, as lines that Podman takes when it imports a file (podman-import(1))."""
    lines = [f'ENV {name}="{value}"' for name, value in config.environment.items()]
    lines += [f'LABEL {name}="{value}"' for name, value in {**config.labels, **labels}.items()]
    lines += [f"EXPOSE {port}" for port in config.exposed]
    lines += [f"USER {config.user}"] if config.user else []
    lines += [f"WORKDIR {config.workdir}"] if config.workdir != "/" else []
    lines += [f"ENTRYPOINT {json.dumps(config.entrypoint)}"] if config.entrypoint else []
    return (*lines, *([f"CMD {json.dumps(config.command)}"] if config.command else []))


def main_package(app: str, recipe: PackagesRecipe) -> str | None:
    """Return the package that is the app itself: the one that has its id as name; None where there is none."""
    return app if app in {name.partition("=")[0] for name in recipe.packages} else None


def installed_version(name: str, output: str) -> str | None:
    """Find the version of the package `name` (with epoch and revision) in what `mmdebstrap_command` printed."""
    found = re.search(rf"{re.escape(_ARCHIVES + name)}_([^_/*\s]+)_[a-z0-9-]+\.deb", output)
    return unquote(found[1]) if found else None


def is_version(said: str, installed: str) -> bool:
    """Return whether a distribution's version is that of a manifest, which may leave out its last parts.

    Before comparing, the epoch ("1:") and the distribution's own revision ("-0+deb12u1") are left out, and the mark of
    sources from which it has taken files ("~ds1"). Of the mark of what comes before a version ("1.0~beta"), "~" goes.
    """
    upstream = installed.partition(":")[2] or installed
    upstream = re.sub("~(ds|dfsg).*", "", upstream.rpartition("-")[0] or upstream).replace("~", "")
    return re.match(rf"{re.escape(said)}(?:$|[.+-])", upstream) is not None

"""An app's folder: manifest, templates, recipe and icon as one value; `app_folder` reads it."""

import base64
import binascii
import contextlib
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.container.manifest.app_folder import Misplaced, entries, opened, read
from archipelago.container.manifest.checks.hidden_characters import hidden_in_text
from archipelago.container.manifest.checks.new_apps import check_new
from archipelago.container.manifest.containerfile.instructions import ContainerfileError
from archipelago.container.manifest.containerfile.reader import parse_containerfile
from archipelago.container.manifest.loader import load_manifest, load_stored_manifest, place_findings
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.images import ContainerfileRecipe, PackagesRecipe
from archipelago.container.manifest.package_lock import PackageLockError, parse_package_lock
from archipelago.container.manifest.requirements import RequirementsError, parse_requirements
from archipelago.container.manifest.screenshots import Screenshot, belongs, find_screenshots
from archipelago.container.manifest.templates import MAX_WORDS, Names, check_template, count_words
from archipelago.container.manifest.yaml.problems import ManifestError, ManifestProblem, PathProblem, nearest
from archipelago.container.manifest.yaml.reader import MAX_BYTES, read_yaml
from archipelago.container.manifest.yaml.tree import MapNode, ScalarNode
from archipelago.container.manifest.yaml.tree import Path as KeyPath

MANIFEST_NAME = "manifest.yml"
ICON_NAMES = ("icon.svg", "icon.png")
MAX_FILES = 200
MAX_FILE_BYTES = 1024**2
MAX_TOTAL_BYTES = 8 * 1024**2
MAX_WORDS_OF_ALL = 40_000
"""Words, signs and pieces of plain text of all templates together."""


@dataclass(frozen=True, slots=True)
class AppPackage:
    """Everything that an app's folder holds, checked."""

    manifest: AppManifest
    manifest_text: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Content of every other file but the icon, by its path in the folder (with `/`)."""
    icon: bytes | None = None
    """SVG or PNG."""
    screenshots: tuple[Screenshot, ...] = ()
    """Pictures of it in the catalog's folder; none of an installed package."""
    problem: str = ""
    """Why this version refuses a package that is installed; `manifest` is then the part that it can read."""

    @property
    def icon_version(self) -> str | None:
        """What changes with the icon, for caches; None without one."""
        return None if self.icon is None else f"{zlib.crc32(self.icon):08x}"

    def package_digest(self) -> str:
        """Return the SHA-256 (hexadecimal) of all content: the same for the same folder, on every machine."""
        digest = hashlib.sha256(b"archipelago-package-1\n")
        parts = {f"files/{path}": content for path, content in self.files.items()}
        parts[MANIFEST_NAME] = self.manifest_text.encode("utf-8", "surrogatepass")
        if self.icon is not None:
            parts["icon"] = self.icon
        for name, content in sorted(parts.items()):
            encoded = name.encode("utf-8", "surrogateescape")
            digest.update(b"%d:%s%d:" % (len(encoded), encoded, len(content)))
            digest.update(content)
        return digest.hexdigest()


def load_package(folder: Path) -> AppPackage:
    """Read an app's folder; blocks on files. Raises ManifestError with all problems at once."""
    source = str(folder / MANIFEST_NAME)
    try:
        with opened(folder) as here:
            text = _manifest_text(here, folder / MANIFEST_NAME)
            content, pictures, problems = _contents(here, folder)
    except OSError as error:
        raise ManifestError((_unreadable(folder, "folder", error),)) from error
    if hidden := list(hidden_in_text(text, source)):
        # Nothing that is found in such a text can be trusted to be where it seems to be.
        raise ManifestError((*hidden, *problems))
    try:
        manifest = load_manifest(text, source)
    except ManifestError as error:
        raise ManifestError((*error.problems, *problems)) from error
    content.pop(MANIFEST_NAME, None)
    icons = [icon for name in ICON_NAMES if (icon := content.pop(name, None)) is not None]
    findings = [*_missing(manifest, content), *check_new(manifest), *_version(text)]
    name = folder.absolute().name
    if name != manifest.id:
        findings.append(PathProblem(("id",), f"the app's folder is named '{name}'", "the same name as the folder"))
    problems += place_findings(text, source, findings)
    problems += _hidden_problems(folder, manifest, content)
    problems += _template_problems(folder, manifest, content)
    problems += _containerfile_problems(folder, manifest, content)
    problems += _requirement_problems(folder, manifest, content)
    problems += _lock_problems(folder, manifest, content)
    if problems:
        raise ManifestError(tuple(problems))
    return AppPackage(manifest, text, content, icons[0] if icons else None, pictures)


def package_to_json(package: AppPackage) -> str:
    """Return a package as JSON text, from which `package_from_json` makes the same package."""
    return json.dumps(
        {
            "format": 1,
            "manifest": package.manifest_text,
            "files": {path: _encode(content) for path, content in sorted(package.files.items())},
            "icon": None if package.icon is None else _encode(package.icon),
        }
    )


def package_from_json(text: str) -> AppPackage:
    """Return the package that `package_to_json` wrote, of this version or an earlier one; raises ManifestError."""
    source = "package snapshot"
    try:
        value = json.loads(text)
        if value["format"] != 1:
            raise ValueError(f"format {value['format']!r} is unknown")
        manifest_text = str(value["manifest"])
        files = {str(path): _decode(content) for path, content in value["files"].items()}
        icon = None if value["icon"] is None else _decode(value["icon"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ManifestError((ManifestProblem(source, 1, 1, "", f"not a package: {error}"),)) from error
    return AppPackage(load_stored_manifest(manifest_text, source), manifest_text, files, icon)


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _problem(path: Path, message: str, expected: str | None = None) -> ManifestProblem:
    return ManifestProblem(str(path), 1, 1, "", message, expected)


def _manifest_text(folder: int, path: Path) -> str:
    try:
        return read(folder, MANIFEST_NAME, MAX_BYTES + 1).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = ManifestProblem(str(path), line, 1, "", "the text is not UTF-8")
        raise ManifestError((problem,)) from error
    except OSError as error:
        raise ManifestError((_unreadable(path, "manifest", error),)) from error


def _unreadable(path: Path, what: str, error: OSError) -> ManifestProblem:
    expected = error.expected if isinstance(error, Misplaced) else None
    return _problem(path, f"the {what} cannot be read: {error.strerror or error}", expected)


def _contents(folder: int, path: Path) -> tuple[dict[str, bytes], tuple[Screenshot, ...], list[ManifestProblem]]:
    """Return the files of an open folder, within the limits, its screenshots, and what is wrong with the rest."""
    content: dict[str, bytes] = {}
    problems: list[ManifestProblem] = []
    total = 0
    try:
        found = [entry.path for entry in entries(folder)]
    except OSError as error:
        return {}, (), [_unreadable(path, "folder", error)]
    pictures, wrong = find_screenshots(folder, [name for name in found if belongs(name)])
    problems += [_problem(path / name, message, expected) for name, message, expected in wrong]
    for name in found:
        if belongs(name):
            continue
        if name == MANIFEST_NAME:
            content[name] = b""  # read apart, under its own limit
            continue
        if len(content) > MAX_FILES:
            problems.append(_problem(path, "there are too many files", f"at most {MAX_FILES}"))
            break
        try:
            data = read(folder, name, MAX_FILE_BYTES + 1)
        except OSError as error:
            problems.append(_unreadable(path / name, "file", error))
            continue
        total += len(data)
        if len(data) > MAX_FILE_BYTES:
            problems.append(_problem(path / name, "the file is too large", f"at most {MAX_FILE_BYTES // 1024} KiB"))
        elif total > MAX_TOTAL_BYTES:
            limit = f"at most {MAX_TOTAL_BYTES // 1024**2} MiB together"
            problems.append(_problem(path, "the files are too large", limit))
            break
        else:
            content[name] = data
    return content, pictures, problems


def _version(text: str) -> Iterator[PathProblem]:
    root = read_yaml(text).root
    written = root.values.get("manifest") if isinstance(root, MapNode) else None
    # In Python, and so in the model, `true` and `1.0` are 1 as well.
    if isinstance(written, ScalarNode) and type(written.value) is not int:
        yield PathProblem(("manifest",), f"wrong value: {written.text}", "the number 1")


def _named_files(manifest: AppManifest) -> Iterator[tuple[KeyPath, str]]:
    for name, container in manifest.containers.items():
        here: KeyPath = ("containers", name)
        for index, file in enumerate(container.files):
            yield (*here, "files", index, "template"), file.template
        if container.signed_by is not None:
            yield (*here, "signed_by"), container.signed_by
        match container.build:
            case PackagesRecipe(python=python, python_build=python_build, go=go, npm=npm, files=files):
                if python is not None:
                    yield (*here, "build", "python"), python
                if python_build is not None:
                    yield (*here, "build", "python_build", "requirements"), python_build.requirements
                if go is not None:
                    yield (*here, "build", "go", "module"), go.module
                    yield (*here, "build", "go", "module"), go.sums
                if npm is not None:
                    yield (*here, "build", "npm", "package"), npm.package
                    yield (*here, "build", "npm", "package"), npm.lock
                for index, recipe_file in enumerate(files):
                    yield (*here, "build", "files", index, "source"), recipe_file.source
            case ContainerfileRecipe(containerfile=containerfile):
                yield (*here, "build", "containerfile"), containerfile


def _missing(manifest: AppManifest, content: Mapping[str, bytes]) -> Iterator[PathProblem]:
    for path, name in _named_files(manifest):
        if name not in content:
            yield PathProblem(path, f"there is no file '{name}' in the app's folder", hint=nearest(name, content))


def _hidden_problems(folder: Path, manifest: AppManifest, content: Mapping[str, bytes]) -> Iterator[ManifestProblem]:
    texts = {name for path, name in _named_files(manifest) if path[-1] != "source"}
    for name, data in sorted(content.items()):
        if b"\0" in data and name not in texts:
            continue  # a program, or a picture
        with contextlib.suppress(UnicodeDecodeError):  # no text, or one of which its own reader says more
            yield from hidden_in_text(data.decode("utf-8"), str(folder / name))


def _template_problems(folder: Path, manifest: AppManifest, content: Mapping[str, bytes]) -> Iterator[ManifestProblem]:
    names = Names(manifest.options, manifest.secrets)
    templates = {file.template for container in manifest.containers.values() for file in container.files}
    words_left = MAX_WORDS_OF_ALL
    for name in sorted(templates & content.keys()):
        source = str(folder / name)
        try:
            text = content[name].decode("utf-8")
        except UnicodeDecodeError:
            yield ManifestProblem(source, 1, 1, "", "the template is not UTF-8")
            continue
        words_left -= count_words(text, MAX_WORDS)
        if words_left < 0:
            yield ManifestProblem(
                source, 1, 1, "", "the templates are too long", f"at most {MAX_WORDS_OF_ALL:,} words together"
            )
            return
        for problem in check_template(text, names):
            yield ManifestProblem(source, problem.line, 1, "", problem.message, hint=problem.hint)


def _containerfile_problems(
    folder: Path, manifest: AppManifest, content: Mapping[str, bytes]
) -> Iterator[ManifestProblem]:
    for container in manifest.containers.values():
        recipe = container.build
        if not isinstance(recipe, ContainerfileRecipe) or recipe.containerfile not in content:
            continue
        source = str(folder / recipe.containerfile)
        try:
            text = content[recipe.containerfile].decode("utf-8")
            parse_containerfile(text, content, has_base=recipe.base is not None)
        except UnicodeDecodeError:
            yield ManifestProblem(source, 1, 1, "", "the Containerfile is not UTF-8")
        except ContainerfileError as error:
            yield ManifestProblem(source, error.line, 1, "", f"{error.message}; {error.hint}")


def _requirement_problems(
    folder: Path, manifest: AppManifest, content: Mapping[str, bytes]
) -> Iterator[ManifestProblem]:
    recipes = [container.build for container in manifest.containers.values()]
    names = {name for recipe in recipes if isinstance(recipe, PackagesRecipe) for name in recipe.requirements_files}
    for name in sorted(names & content.keys()):
        try:
            parse_requirements(content[name])
        except RequirementsError as error:
            for problem in error.problems:
                yield ManifestProblem(str(folder / name), problem.line, 1, "", problem.message, problem.expected)


def _lock_problems(folder: Path, manifest: AppManifest, content: Mapping[str, bytes]) -> Iterator[ManifestProblem]:
    recipes = [container.build for container in manifest.containers.values()]
    found = {recipe.npm for recipe in recipes if isinstance(recipe, PackagesRecipe) and recipe.npm is not None}
    for npm in sorted(found, key=lambda npm: npm.lock):
        if {npm.package, npm.lock} <= content.keys():
            try:
                parse_package_lock(content[npm.lock], content[npm.package])
            except PackageLockError as error:
                yield ManifestProblem(str(folder / npm.lock), 1, 1, "", str(error))

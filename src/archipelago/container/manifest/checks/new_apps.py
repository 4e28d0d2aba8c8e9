"""Checks of an app in the catalog. One that is installed already keeps the manifest that it has. Pure.

What would do harm the compiler refuses as well, and then it is that app alone that does not run.
"""

import re
from collections.abc import Callable, Iterator

from archipelago.container.manifest.checks.data_classes import check_data_classes
from archipelago.container.manifest.checks.hidden_characters import hidden_in_value
from archipelago.container.manifest.checks.mounts import check_mounts, check_shared_volumes
from archipelago.container.manifest.checks.names import check_names
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import IDS_PER_APP, is_one_line
from archipelago.container.manifest.model.settings import ChoiceOption, IntOption
from archipelago.container.manifest.options import MAX_INT
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path

_PAGE = 4096
"""Bytes of a page of memory, the least that tmpfs(5) gives; of size 0 it has no limit."""
_HIGHEST_NIP = 65535
# Podman completes short names from its configuration, so that an image would be another one on another host.
_HOST = r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:))(?::[0-9]+)?"
_IMAGE = re.compile(rf"{_HOST}/[a-z0-9._/-]+(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?@sha256:[0-9a-f]{{64}}")


def check_new(manifest: AppManifest) -> list[PathProblem]:
    """Return everything for which an app does not come into the catalog; empty when all is well."""
    return [finding for check in _CHECKS for finding in check(manifest)]


def _users(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, container in manifest.containers.items():
        if any(int(number) >= IDS_PER_APP for number in container.user.split(":")):
            message = f"user {container.user} is not one of the app's own"
            yield PathProblem(("containers", name, "user"), message, f"numbers up to {IDS_PER_APP - 1}")


def _images(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, container in manifest.containers.items():
        if container.image is not None and not _IMAGE.fullmatch(container.image):
            image = container.image.partition("@")[0]
            yield PathProblem(
                ("containers", name, "image"),
                f"the image '{image}' does not name its registry",
                f"the full name, such as 'docker.io/library/{image.rpartition('/')[2]}@sha256:…'",
            )


def _scratch(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, container in manifest.containers.items():
        for index, tmpfs in enumerate(container.tmpfs):
            if tmpfs.size < _PAGE:
                path: Path = ("containers", name, "tmpfs", index, "size")
                yield PathProblem(path, f"a size of {tmpfs.size} bytes is no limit", "at least 4KiB, such as 16MiB")


def _numbers(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, option in manifest.options.items():
        if isinstance(option, IntOption):
            for key, number in (("default", option.default), ("minimum", option.minimum), ("maximum", option.maximum)):
                if number is not None and abs(number) > MAX_INT:
                    expected = f"a number from {-MAX_INT} to {MAX_INT}, which all programs keep exact"
                    yield PathProblem(("options", name, key), f"the {key} is out of range", expected)
    for index, nip in enumerate(manifest.web5.nips if manifest.web5 is not None else ()):
        if not 0 <= nip <= _HIGHEST_NIP:
            yield PathProblem(("web5", "nips", index), "this is no number of a NIP", f"a number up to {_HIGHEST_NIP}")


def _exports(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, provided in manifest.provides.items():
        for key, text in provided.exports.items():
            if not is_one_line(text):
                path: Path = ("provides", name, "exports", key)
                yield PathProblem(path, "a value for other apps has a line break or control character", "one line")


def _choices(manifest: AppManifest) -> Iterator[PathProblem]:
    for name, option in manifest.options.items():
        if isinstance(option, ChoiceOption) and not all(map(is_one_line, option.choices)):
            yield PathProblem(
                ("options", name, "choices"), "a choice has a line break or control character", "one line"
            )


def _hidden(manifest: AppManifest) -> Iterator[PathProblem]:
    waiting: list[tuple[Path, object]] = [((), manifest.model_dump(mode="json", exclude_unset=True))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(value)]
        elif isinstance(value, str) and (what := hidden_in_value(value)) is not None:
            yield PathProblem(path, f"the text has the character {what}, which shows it as another one", "plain text")


_CHECKS: tuple[Callable[[AppManifest], Iterator[PathProblem]], ...] = (
    _users,
    _images,
    _scratch,
    _numbers,
    _exports,
    _choices,
    _hidden,
    check_names,
    check_mounts,
    check_shared_volumes,
    check_data_classes,
)

"""The rendered files of one container, and the program that starts it where they hold variables. Pure."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from archipelago.container.manifest.model.containers import Container
from archipelago.container.podman_client.spec import BindMount
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.secret_environment import SCRIPT, SHELL, script, wrapped
from archipelago.container.workload.template_context import Templates, context
from archipelago.container.workload.templates.renderer import FINGERPRINTS, REVEALED, SecretDisplay
from archipelago.container.workload.workload import RenderedFile
from archipelago.security.container_policies.seccomp import seccomp_file
from archipelago.security.secrets.secret import SecretBytes
from archipelago.support.values import value

_BOTH = (FINGERPRINTS, REVEALED)
"""Fingerprints first: what is wrong with a template then comes to light without a secret in the error."""
_SCRIPT_MODE = 0o400


@value
class ContainerFiles:
    """The files of one container, and how it comes by them."""

    files: tuple[RenderedFile, ...]
    mounts: tuple[BindMount, ...]
    contents: Mapping[str, str]
    """Path in the container -> digest of the content, with secrets by fingerprint, and mode."""
    entrypoint: tuple[str, ...]


def rendered(
    given: AppInput, site: Site, renderer: Templates, name: str, folder: str, owner: tuple[int, int]
) -> ContainerFiles:
    """Render the files of a container into a folder of the host. Raises `TemplateError`."""
    manifest, container = given.package.manifest, given.package.manifest.containers[name]
    if not container.files and not container.secret_environment:
        return ContainerFiles((), (), {}, container.entrypoint)
    contexts = {shown: context(given, site, container, shown) for shown in _BOTH}
    files, mounts, contents = [], [], {}
    for number, file in enumerate(container.files):
        path = f"{folder}/{number}-{PurePosixPath(file.path).name}"
        place = f"apps/{manifest.id}/{file.template}"
        hashed, content = (
            renderer.file(place, file.template, given.package.files, contexts[shown], shown) for shown in _BOTH
        )
        files.append(RenderedFile(path, SecretBytes(content), int(file.mode, 8), *owner))
        contents[file.path] = hashlib.sha256(hashed).hexdigest() + file.mode
        mounts.append(BindMount(PurePosixPath(path), PurePosixPath(file.path), read_only=True))
    entrypoint = container.entrypoint
    if container.secret_environment:
        path = f"{folder}/environment"
        where = f"apps/{manifest.id}: containers.{name}"
        hashed, content = (
            script(_secret_variables(where, container, renderer, contexts[shown], shown)) for shown in _BOTH
        )
        files.append(RenderedFile(path, SecretBytes(content), _SCRIPT_MODE, *owner))
        contents[str(SCRIPT)] = hashlib.sha256(hashed).hexdigest()
        mounts.append(BindMount(PurePosixPath(path), SCRIPT, read_only=True))
        mounts.append(BindMount(PurePosixPath(site.shell), SHELL, read_only=True))
        entrypoint = wrapped(entrypoint)
    return ContainerFiles(tuple(files), tuple(mounts), contents, entrypoint)


def seccomp_profile(container: Container, folder: str) -> RenderedFile:
    """Return the profile as a file of the service user's; by its name it is part of the container's hash."""
    profile = seccomp_file(container)
    return RenderedFile(f"{folder}/{profile.name}", SecretBytes(profile.content), 0o600, 0, 0)


def _secret_variables(
    where: str, container: Container, renderer: Templates, context: Mapping[str, Any], shown: SecretDisplay
) -> dict[str, bytes]:
    """Return the variables; an error of a template says nothing of a secret."""
    return {
        key: renderer.file(f"{where}.secret_environment.{key}", key, {key: text.encode()}, context, shown)
        for key, text in container.secret_environment.items()
    }

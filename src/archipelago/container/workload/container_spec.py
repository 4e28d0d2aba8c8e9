"""What Podman is asked for one container: a manifest's container as a `ContainerSpec`. Pure."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from archipelago.container.manifest.exposure import PUBLISHED
from archipelago.container.manifest.loopback_places import place_of
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdMappings,
    IdRange,
    Mount,
    PortMapping,
    TmpfsMount,
)
from archipelago.container.workload.app_home import AppHome
from archipelago.container.workload.container_files import ContainerFiles
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.networks import PREFIX
from archipelago.container.workload.stop_time import stop_of
from archipelago.container.workload.template_context import Templates, context
from archipelago.container.workload.templates.renderer import is_template
from archipelago.security.container_policies.confinement import confine, enforceable

_SCRATCH = 64 * 1024 * 1024
_LONGEST_HOSTNAME = 63
"""Characters of a label (RFC 1123)."""
_USUAL: Mapping[str, Mount] = {
    # Podman 5 mounts /dev/shm read-only with the root, and POSIX semaphores lie there.
    path: TmpfsMount(PurePosixPath(path), _SCRATCH)
    for path in ("/tmp", "/run", "/dev/shm")  # noqa: S108
}


def container_spec(
    given: AppInput,
    site: Site,
    home: AppHome,
    renderer: Templates,
    name: str,
    files: ContainerFiles,
    *,
    seccomp: str,
    labels: Mapping[str, str],
) -> ContainerSpec:
    """Return the spec of a container, on no network yet; `seccomp` is the path of its profile.

    Raises `TemplateError`.
    """
    manifest, container = given.package.manifest, given.package.manifest.containers[name]
    where = f"apps/{manifest.id}: containers.{name}"
    texts = (*container.command, *container.environment.values())
    # Most containers have no template here, and a context costs as much as a digest.
    seen = context(given, site, container, None) if any(map(is_template, texts)) else {}
    confined = confine(container)
    return ContainerSpec(
        labels=labels,
        name=f"{PREFIX}{manifest.id}--{name}",
        image=given.images[name],
        entrypoint=files.entrypoint or None,
        command=tuple(renderer.inline(f"{where}.command", text, seen) for text in container.command) or None,
        env={
            key: renderer.inline(f"{where}.environment.{key}", text, seen)
            for key, text in container.environment.items()
        },
        user=container.user,
        # Podman 5 answers to it on each network: with two hyphens it is the name of no interface.
        hostname=_hostname(manifest.id, name),
        workdir=container.workdir or "",
        read_only_filesystem=confined.read_only,
        mounts=(
            *_volume_mounts(home, container),
            *_onion_mounts(manifest, name, site),
            *files.mounts,
            *_scratch(container),
        ),
        devices=confined.devices,
        cap_drop=confined.cap_drop,
        cap_add=confined.cap_add,
        no_new_privileges=confined.no_new_privileges,
        seccomp_profile=_path(seccomp),
        mask=confined.mask,
        id_mappings=_mappings(home.base),
        limits=enforceable(confined.limits, site.cgroup),
        cgroup_parent=site.cgroup.parent,
        ulimits=confined.ulimits,
        ports=tuple(_ports(given, site, name)),
        stop_signal=container.stop.signal,
        stop_timeout=math.ceil(stop_of(manifest, container).grace),
        init=container.init,
        log_path=_path(home.paths.log(name)),
    )


# To take a path apart costs as much as all else in a spec, and each compilation has the same ones.
@lru_cache(maxsize=4096)
def _path(text: str) -> PurePosixPath:
    return PurePosixPath(text)


def _hostname(app: str, container: str) -> str:
    """Return a name of its own for each container: one that is too long ends with a hash of the whole."""
    name = f"{app}--{container}"
    if len(name) <= _LONGEST_HOSTNAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_HOSTNAME - 9].rstrip('-')}-{digest}"


def _volume_mounts(home: AppHome, container: Container) -> list[Mount]:
    return [
        BindMount(PurePosixPath(home.volume(mount.volume)), PurePosixPath(mount.path), read_only=mount.read_only)
        for mount in container.mounts
    ]


def _onion_mounts(manifest: AppManifest, container: str, site: Site) -> list[Mount]:
    onions = manifest.onions
    if onions is None or onions.container != container or not site.onions:
        return []
    # A socket can be connected to on a read-only mount as well.
    return [BindMount(PurePosixPath(site.onions), PurePosixPath(onions.sockets), read_only=True)]


def _scratch(container: Container) -> list[Mount]:
    if not container.tmpfs and not container.mounts:
        return [*_USUAL.values()]
    declared = [TmpfsMount(PurePosixPath(tmpfs.path), tmpfs.size) for tmpfs in container.tmpfs]
    # A volume may be there as well, and Podman refuses two mounts on one path.
    paths = {mount.path.rstrip("/") for mount in container.tmpfs}
    paths |= {mount.path.rstrip("/") for mount in container.mounts}
    return [*declared, *(mount for path, mount in _USUAL.items() if path not in paths)]


def _ports(given: AppInput, site: Site, container: str) -> Iterator[PortMapping]:
    # Endpoints are on the host's own loopback; the drivers of routes and sites forward to them from other addresses.
    app = given.package.manifest.id
    for name, endpoint in sorted(given.package.manifest.endpoints.items()):
        if endpoint.container == container and not PUBLISHED.isdisjoint(endpoint.access):
            place = place_of(app, name, endpoint, given.ports[name], site.seed)
            yield PortMapping(container_port=endpoint.port, host_port=place.port, host_ip=str(place.address))


def _mappings(base: int) -> IdMappings:
    ids = (IdRange(container_id=0, host_id=base, size=IDS_PER_APP),)
    return IdMappings(uids=ids, gids=ids)

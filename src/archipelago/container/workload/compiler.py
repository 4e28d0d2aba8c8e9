"""The compiler: manifest, options, bindings, secrets and host facts in; networks, containers and files out. Pure.

Each container has one hash over everything that would need a re-creation. Its networks are left out, since Podman joins
and leaves them live; secrets go in by fingerprint, so that the hash, which Podman keeps in the clear, tells nothing.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from archipelago.chains.chain import Chain, InterfaceRole
from archipelago.chains.registry import CHAINS, chain_with_login
from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.exposure import PUBLISHED
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container, Stop
from archipelago.container.manifest.model.probes import HealthCheck
from archipelago.container.manifest.model.scalars import IDS_PER_APP, Scalar, is_one_line
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.labels import APP, CONTAINER, HASH, NODE, PLACE
from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdMappings,
    IdRange,
    Mount,
    NetworkAttachment,
    NetworkSpec,
    PortMapping,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)
from archipelago.container.workload.firewall_rules import Reach, reach
from archipelago.container.workload.networks import PREFIX, Link, app_networks, attachments, links, provider_host
from archipelago.container.workload.secret_environment import SCRIPT, SHELL, script, wrapped
from archipelago.container.workload.templates.renderer import (
    FINGERPRINTS,
    REVEALED,
    AppRenderer,
    Renderer,
    SecretDisplay,
    TemplateError,
    is_template,
)
from archipelago.container.workload.volume_parts import part_of
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.container_policies.confinement import confine, enforceable
from archipelago.security.container_policies.seccomp import seccomp_file
from archipelago.security.secrets.secret import Secret, SecretBytes
from archipelago.storage.layout import AppPaths, app_files, app_paths, container_files

Templates = Renderer | AppRenderer
_SCRATCH = 64 * 1024 * 1024
_LONGEST_HOSTNAME = 63
"""Characters of a label (RFC 1123)."""
_MAX_EXPORT = 4096
_LOOPBACK = "127.0.0.1"
_SCRIPT_MODE = 0o400
_USUAL: Mapping[str, Mount] = {
    # Podman 5 mounts /dev/shm read-only with the root, and POSIX semaphores lie there.
    path: TmpfsMount(PurePosixPath(path), _SCRATCH)
    for path in ("/tmp", "/run", "/dev/shm")  # noqa: S108
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is the same for all apps of one node."""

    node_id: str
    data: str
    """Directory on disk below which each app has one of its own."""
    files: str
    """Directory in memory for rendered files, below which each app has one of its own."""
    host: HostFacts
    cgroup: ControlGroup = field(default_factory=ControlGroup)
    shell: str = "/bin/busybox"
    """Statically linked busybox of the host."""
    chains: tuple[Chain, ...] = CHAINS


@dataclass(frozen=True, slots=True)
class Binding:
    """An interface that the app uses: who provides it, and how it logs in there."""

    edge: Edge
    provider: AppManifest
    exports: Mapping[str, str] = field(default_factory=dict)
    credential: Secret | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """An app that uses one of this app's interfaces."""

    interface: str
    app: str
    credential: Secret | None = None
    role: InterfaceRole = InterfaceRole.READ


@dataclass(frozen=True, slots=True)
class AppInput:
    """Everything that the workload of one app depends on, besides the site."""

    package: AppPackage
    options: Mapping[str, Scalar]
    slot: int
    images: Mapping[str, str]
    ports: Mapping[str, int] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    """All edges that the app is at either end of."""


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file on the host's tmpfs; uid and gid as in the service user's namespace."""

    path: str
    content: SecretBytes
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class VolumeDirectory:
    """A directory on disk; uid and gid as in the service user's namespace."""

    path: str
    uid: int
    gid: int
    part: str | None = None
    """Name of the directory within a volume that is kept apart by a setting of a provider; None for a whole volume."""

    @property
    def used(self) -> str:
        """The directory that the app sees."""
        return self.path if self.part is None else f"{self.path}/{self.part}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A directory of the node's on the way to what containers of one app mount; others must not come through.

    A runtime may set mounts up as the container's root, who is in the group `gid` (of the service user's namespace).
    """

    path: str
    gid: int


@dataclass(frozen=True, slots=True)
class ContainerWorkload:
    """One container, as it ought to be."""

    app: str
    container: str
    name: str
    """Its name in Podman."""
    spec: ContainerSpec
    files: tuple[RenderedFile, ...]
    passages: tuple[Passage, ...]
    """Directories of the files, outer ones first."""
    attachments: Mapping[str, NetworkAttachment]
    reach: Reach
    after: tuple[str, ...]
    health: HealthCheck | None
    stop: Stop
    hash: str

    @property
    def log(self) -> Path:
        """The file that its output goes to, on this host."""
        assert self.spec.log_path is not None, "compiled with one"
        return Path(self.spec.log_path)


@dataclass(frozen=True, slots=True)
class Workload:
    """One app, compiled; containers in start order."""

    app: str
    networks: tuple[NetworkSpec, ...]
    containers: tuple[ContainerWorkload, ...]
    passages: tuple[Passage, ...]
    """Directories of the volumes, outer ones first."""
    volumes: tuple[VolumeDirectory, ...]
    hash: str
    parts: Mapping[str, str] = field(default_factory=dict)
    """Directory in use of each volume that is kept apart by a setting of a provider."""


def compile_app(given: AppInput, site: Site, renderer: Templates) -> Workload:
    """Return the workload of one app. Raises `NodeError` where a template of it is wrong."""
    manifest = given.package.manifest
    exported = {binding.edge.interface: binding.exports for binding in given.bindings}
    parts = {name: part for name in manifest.volumes if (part := part_of(manifest, name, exported)) is not None}
    home = _Home(app_paths(site.data, manifest.id), links(given.edges), _base(given.slot), parts)
    try:
        containers = tuple(
            _container(given, site, home, renderer, name, position)
            for position, name in enumerate(_start_order(manifest))
        )
    except TemplateError as error:
        names = {secret.fingerprint: name for name, secret in given.secrets.items()}
        raise error.naming(manifest.id, names) from error
    return Workload(
        app=manifest.id,
        networks=app_networks(manifest, home.links, site.node_id),
        containers=containers,
        passages=home.passages(home.paths.path, home.paths.volumes),
        volumes=_volumes(manifest, home),
        hash=_joined(container.hash for container in containers),
        parts=home.parts,
    )


@dataclass(frozen=True, slots=True)
class _Home:
    """What all containers of one app share: its folder on disk, its networks, its user ids."""

    paths: AppPaths
    links: tuple[Link, ...]
    base: int
    """Id of its containers' root in the service user's namespace."""
    parts: Mapping[str, str]
    """Directory in use of each volume that is kept apart by a setting of a provider."""

    def volume(self, name: str) -> str:
        """Return the directory of a volume that the app sees."""
        whole = self.paths.volume(name)
        return f"{whole}/{self.parts[name]}" if name in self.parts else whole

    def owner(self, container: Container) -> tuple[int, int]:
        """Return the user and group of a container's files."""
        uid, gid = (int(part) for part in container.user.split(":"))
        if max(uid, gid) >= IDS_PER_APP:
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                f"user {container.user} is not one of the app's own",
                hint=f"the app's author must choose numbers up to {IDS_PER_APP - 1}",
            )
        return self.base + uid, self.base + gid

    def passages(self, *paths: str) -> tuple[Passage, ...]:
        """Return directories as ways for this app's containers alone."""
        return tuple(Passage(path, self.base) for path in paths)


def _container(
    given: AppInput, site: Site, home: _Home, renderer: Templates, name: str, position: int
) -> ContainerWorkload:
    manifest = given.package.manifest
    container = manifest.containers[name]
    texts = (*container.command, *container.environment.values())
    # Most containers have no template here, and a context costs as much as a digest.
    context = _context(given, site, container, None) if any(map(is_template, texts)) else {}
    both = (FINGERPRINTS, REVEALED) if container.files or container.secret_environment else ()
    secretive = {shown: _context(given, site, container, shown) for shown in both}
    where = f"apps/{manifest.id}: containers.{name}"
    uid, gid = home.owner(container)
    confined = confine(container)
    folder = container_files(site.files, manifest.id, name)
    seccomp = _seccomp_file(container, folder)
    files, mounts, contents = [], _volume_mounts(home, container), {}
    for number, file in enumerate(container.files):
        host_path = f"{folder}/{number}-{PurePosixPath(file.path).name}"
        place = f"apps/{manifest.id}/{file.template}"
        # Fingerprints first: what is wrong with a template then comes to light without a secret in the error.
        hashed, content = (
            renderer.file(place, file.template, given.package.files, secretive[shown], shown) for shown in both
        )
        files.append(RenderedFile(host_path, SecretBytes(content), int(file.mode, 8), uid, gid))
        contents[file.path] = hashlib.sha256(hashed).hexdigest() + file.mode
        mounts.append(BindMount(PurePosixPath(host_path), PurePosixPath(file.path), read_only=True))
    entrypoint = container.entrypoint
    if container.secret_environment:
        host_path = f"{folder}/environment"
        hashed, content = (
            script(_secret_variables(where, container, renderer, secretive[shown], shown)) for shown in both
        )
        files.append(RenderedFile(host_path, SecretBytes(content), _SCRIPT_MODE, uid, gid))
        contents[str(SCRIPT)] = hashlib.sha256(hashed).hexdigest()
        mounts.append(BindMount(PurePosixPath(host_path), SCRIPT, read_only=True))
        mounts.append(BindMount(PurePosixPath(site.shell), SHELL, read_only=True))
        entrypoint = wrapped(entrypoint)
    labels = {NODE: site.node_id, APP: manifest.id, CONTAINER: name, PLACE: str(position)}
    spec = ContainerSpec(
        labels=labels,
        name=f"{PREFIX}{manifest.id}--{name}",
        image=given.images[name],
        entrypoint=entrypoint or None,
        command=tuple(renderer.inline(f"{where}.command", text, context) for text in container.command) or None,
        env={
            key: renderer.inline(f"{where}.environment.{key}", text, context)
            for key, text in container.environment.items()
        },
        user=container.user,
        # Podman 5 answers to it on each network: with two hyphens it is the name of no interface.
        hostname=_hostname(manifest.id, name),
        workdir=container.workdir or "",
        read_only_filesystem=confined.read_only,
        mounts=(*mounts, *_scratch(container)),
        devices=confined.devices,
        cap_drop=confined.cap_drop,
        cap_add=confined.cap_add,
        no_new_privileges=confined.no_new_privileges,
        seccomp_profile=PurePosixPath(seccomp.path),
        mask=confined.mask,
        id_mappings=_mappings(home.base),
        limits=enforceable(confined.limits, site.cgroup),
        cgroup_parent=site.cgroup.parent,
        ulimits=confined.ulimits,
        ports=tuple(_ports(given, name)),
        stop_signal=container.stop.signal,
        stop_timeout=math.ceil(container.stop.grace),
        init=container.init,
        log_path=PurePosixPath(home.paths.log(name)),
    )
    digest = _digest([spec, contents, manifest.egress.is_direct])
    # The one label that cannot be known before the rest; nobody else has seen the spec yet.
    labels[HASH] = digest
    return ContainerWorkload(
        app=manifest.id,
        container=name,
        name=spec.name,
        spec=spec,
        files=(*files, seccomp),
        passages=home.passages(app_files(site.files, manifest.id), folder),
        attachments=attachments(manifest, name, home.links),
        reach=reach(manifest, name, home.links, _provided_ports(given)),
        after=container.after,
        health=container.health,
        stop=container.stop,
        hash=digest,
    )


def _hostname(app: str, container: str) -> str:
    """Return a name of its own for each container: one that is too long ends with a hash of the whole."""
    name = f"{app}--{container}"
    if len(name) <= _LONGEST_HOSTNAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_HOSTNAME - 9].rstrip('-')}-{digest}"


def _secret_variables(
    where: str, container: Container, renderer: Templates, context: Mapping[str, Any], shown: SecretDisplay
) -> dict[str, bytes]:
    """Return the variables; an error of a template says nothing of a secret."""
    return {
        key: renderer.file(f"{where}.secret_environment.{key}", key, {key: text.encode()}, context, shown)
        for key, text in container.secret_environment.items()
    }


def _seccomp_file(container: Container, folder: str) -> RenderedFile:
    """Return the profile as a file of the service user's; by its name it is part of the container's hash."""
    profile = seccomp_file(container)
    return RenderedFile(f"{folder}/{profile.name}", SecretBytes(profile.content), 0o600, 0, 0)


def _provided_ports(given: AppInput) -> dict[tuple[str, str], int]:
    used = ((binding.edge.interface, binding.provider) for binding in given.bindings)
    return {(provider.id, interface): provider.provides[interface].port for interface, provider in used}


def exports(given: AppInput, interface: str, renderer: Templates) -> dict[str, str]:
    """Return the further values that an interface gives its consumers, rendered from the provider's options."""
    manifest = given.package.manifest
    context = {"app": {"id": manifest.id, "version": manifest.version}, "options": dict(given.options)}
    found = {}
    for key, text in manifest.provides[interface].exports.items():
        where = f"apps/{manifest.id}: provides.{interface}.exports.{key}"
        value = found[key] = renderer.inline(where, text, context)
        # Consumers write it into their configuration, and must be able to rely on what it is.
        if len(value) > _MAX_EXPORT or not is_one_line(value):
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                f"{where}: the value is longer than one line of {_MAX_EXPORT} characters",
                hint="the app's author must take line breaks and control characters out of it",
            )
    return found


def _context(given: AppInput, site: Site, container: Container, shown: SecretDisplay | None) -> dict[str, Any]:
    """Return what templates see; `shown` is None where secrets must not appear at all."""
    manifest = given.package.manifest
    requires: dict[str, Any] = dict.fromkeys(manifest.requires)
    for binding in given.bindings:
        provided = binding.provider.provides[binding.edge.interface]
        requires[binding.edge.interface] = {
            "app": binding.provider.id,
            "host": provider_host(binding.edge.interface),
            "port": provided.port,
            "version": provided.version or binding.provider.version,
            "exports": dict(binding.exports),
            "user": manifest.id,
            **({"password": shown.text(binding.credential)} if shown and binding.credential else {}),
        }
    consumers: dict[str, list[dict[str, str]]] = {interface: [] for interface in manifest.provides}
    for consumer in sorted(given.consumers, key=lambda each: each.app):
        entry = {"app": consumer.app, "user": consumer.app}
        if shown and consumer.credential:
            chain = chain_with_login(manifest.provides[consumer.interface].credentials, site.chains)
            assert chain is not None, "each kind of credentials is some chain's"
            entry |= chain.credentials(consumer.app, shown.text(consumer.credential), consumer.role)
        consumers[consumer.interface].append(entry)
    context: dict[str, Any] = {
        "app": {"id": manifest.id, "version": manifest.version},
        "options": dict(given.options),
        "host": {"memory": site.host.memory, "cores": site.host.cores, "arch": site.host.architecture.value},
        "container": {"memory": container.resources.memory},
        "requires": requires,
        "consumers": consumers,
    }
    if shown:
        context["secrets"] = {key: shown.text(secret) for key, secret in given.secrets.items()}
    return context


def _volumes(manifest: AppManifest, home: _Home) -> tuple[VolumeDirectory, ...]:
    found = {}
    for name in sorted(manifest.volumes):
        users = [
            container
            for container in manifest.containers.values()
            if any(mount.volume == name for mount in container.mounts)
        ]
        writers = [
            container
            for container in users
            if any(mount.volume == name and not mount.read_only for mount in container.mounts)
        ]
        for container in (writers or users)[:1]:
            uid, gid = home.owner(container)
            found[name] = VolumeDirectory(home.paths.volume(name), uid, gid, home.parts.get(name))
    return tuple(found.values())


def _volume_mounts(home: _Home, container: Container) -> list[Mount]:
    return [
        BindMount(PurePosixPath(home.volume(mount.volume)), PurePosixPath(mount.path), read_only=mount.read_only)
        for mount in container.mounts
    ]


def _scratch(container: Container) -> list[Mount]:
    declared = [TmpfsMount(PurePosixPath(tmpfs.path), tmpfs.size) for tmpfs in container.tmpfs]
    # A volume may be there as well, and Podman refuses two mounts on one path.
    paths = {mount.path.rstrip("/") for mount in container.tmpfs}
    paths |= {mount.path.rstrip("/") for mount in container.mounts}
    return [*declared, *(mount for path, mount in _USUAL.items() if path not in paths)]


def _ports(given: AppInput, container: str) -> list[PortMapping]:
    # The host's own loopback is where every endpoint begins; others are led to it by the ingress.
    return [
        PortMapping(container_port=endpoint.port, host_port=given.ports[name], host_ip=_LOOPBACK)
        for name, endpoint in sorted(given.package.manifest.endpoints.items())
        if endpoint.container == container and PUBLISHED & set(endpoint.access)
    ]


def _base(slot: int) -> int:
    # Id 0 of the service user's namespace is the service user himself.
    return 1 + slot * IDS_PER_APP


def _mappings(base: int) -> IdMappings:
    ids = (IdRange(container_id=0, host_id=base, size=IDS_PER_APP),)
    return IdMappings(uids=ids, gids=ids)


def _start_order(manifest: AppManifest) -> list[str]:
    """Return containers so that each stands behind those that it comes after; the loader has refused cycles."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in order:
            for earlier in manifest.containers[name].after:
                visit(earlier)
            order[name] = None

    for name in manifest.containers:
        visit(name)
    return list(order)


def _digest(value: object) -> str:
    return _short(_CANONICAL.encode(value))


def _joined(digests: Iterable[str]) -> str:
    """Return what `_digest` returns of a list of digests, in which there is nothing to escape."""
    return _short('["' + '","'.join(digests) + '"]')


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: object) -> object:
    # Lists of fields, since dataclasses.asdict costs more than all the rest of a compilation.
    read = _FIELDS.get(type(value))
    if read is not None:
        return [type(value).__name__, *read(value)]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no place in a hash")


_HASHED = (BindMount, ContainerSpec, IdMappings, IdRange, PortMapping, ResourceLimits, TmpfsMount, Ulimit)
_UNHASHED = frozenset(("labels", "networks", "rootfs"))
_FIELDS: Mapping[type, Callable[[object], tuple[object, ...]]] = {
    kind: attrgetter(*(each.name for each in fields(kind) if each.name not in _UNHASHED)) for kind in _HASHED
}
_CANONICAL = json.JSONEncoder(sort_keys=True, default=_plain, separators=(",", ":"))

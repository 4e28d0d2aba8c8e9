"""The compiler: manifest, options, bindings, secrets and host facts in; networks, containers and files out. Pure.

Each container has one hash over everything that would need a re-creation. Its networks are left out, since Podman joins
and leaves them live; secrets go in by fingerprint, so that the hash, which Podman keeps in the clear, reveals nothing.
"""

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.podman_client.labels import APP, CONTAINER, HASH, NODE, PLACE
from archipelago.container.workload.app_home import AppHome, app_home
from archipelago.container.workload.container_files import rendered, seccomp_profile
from archipelago.container.workload.container_spec import container_spec
from archipelago.container.workload.firewall_rules import reach
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.networks import app_networks, attachments
from archipelago.container.workload.spec_hash import joined, spec_hash
from archipelago.container.workload.stop_time import stop_of
from archipelago.container.workload.template_context import Templates
from archipelago.container.workload.templates.renderer import TemplateError
from archipelago.container.workload.workload import ContainerWorkload, Workload
from archipelago.storage.layout import app_files, container_files


def compile_app(given: AppInput, site: Site, renderer: Templates) -> Workload:
    """Return the workload of one app. Raises `NodeError` where a template of it is wrong."""
    manifest = given.package.manifest
    home = app_home(given, site.data)
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
        volumes=home.volume_directories(manifest),
        hash=joined(container.hash for container in containers),
        parts=home.parts,
    )


def _container(
    given: AppInput, site: Site, home: AppHome, renderer: Templates, name: str, position: int
) -> ContainerWorkload:
    manifest = given.package.manifest
    container = manifest.containers[name]
    folder = container_files(site.files, manifest.id, name)
    files = rendered(given, site, renderer, name, folder, home.owner(container))
    seccomp = seccomp_profile(container, folder)
    labels = {NODE: site.node_id, APP: manifest.id, CONTAINER: name, PLACE: str(position)}
    spec = container_spec(given, site, home, renderer, name, files, seccomp=seccomp.path, labels=labels)
    reached = reach(manifest, name, home.links, _provided_ports(given))
    # The one label that cannot be known before the rest; nobody else has seen the spec yet.
    labels[HASH] = digest = spec_hash(spec, files.contents, reached.internet, reached.local_network)
    return ContainerWorkload(
        app=manifest.id,
        container=name,
        name=spec.name,
        spec=spec,
        files=(*files.files, seccomp),
        passages=home.passages(app_files(site.files, manifest.id), folder),
        attachments=attachments(manifest, name, home.links),
        reach=reached,
        after=container.after,
        health=container.health,
        stop=stop_of(manifest, container),
        contents=files.contents,
        hash=digest,
    )


def _provided_ports(given: AppInput) -> dict[tuple[str, str], int]:
    used = ((binding.edge.interface, binding.provider) for binding in given.bindings)
    return {(provider.id, interface): provider.provides[interface].port for interface, provider in used}


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

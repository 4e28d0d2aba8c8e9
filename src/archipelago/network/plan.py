"""Which networks there are and who is on them. Pure: values in, values out.

Each app has a network of its own; each pair of consumer and provider has one more, on which nobody else is.
"""

from collections.abc import Collection, Iterable

from archipelago.container.labels import APP, NODE
from archipelago.container.manifest.model import AppManifest
from archipelago.container.plan import Edge
from archipelago.container.podman_client.spec import NetworkAttachment, NetworkSpec

PREFIX = "archipelago-"
"""Not hexadecimal: Podman takes a name of hexadecimal digits for a part of an id."""


def own_network_name(app: str) -> str:
    """Return the name of an app's own network."""
    return f"{PREFIX}{app}"


def edge_network_name(consumer: str, provider: str) -> str:
    """Return the name of the network between two apps. App ids hold single hyphens only, so it is unambiguous."""
    return f"{PREFIX}{consumer}--{provider}"


def app_network(manifest: AppManifest, node_id: str) -> NetworkSpec:
    """Return the app's own network: internal, unless its manifest declares a direct way out."""
    direct = manifest.egress.is_direct
    return NetworkSpec(
        name=own_network_name(manifest.id),
        internal=not direct,
        # Two ordinary bridge networks reach each other unless both are isolated.
        isolate=direct,
        labels={NODE: node_id, APP: manifest.id},
    )


def edge_network(consumer: str, provider: str, node_id: str) -> NetworkSpec:
    """Return the network between two apps."""
    return NetworkSpec(
        name=edge_network_name(consumer, provider),
        internal=True,
        labels={NODE: node_id, APP: consumer},
    )


def provider_host(interface: str) -> str:
    """Return the DNS name by which a consumer reaches an interface, on the network between the two."""
    return interface


def attachments(manifest: AppManifest, container: str, edges: Collection[Edge]) -> dict[str, NetworkAttachment]:
    """Return the networks of one container, with its names on each.

    `edges` are those of the whole node; every container of a consumer may use what the app requires, but of a provider
    only the containers behind the interface are there. A provider's names do not depend on which of its interfaces a
    consumer uses: names cannot be changed while a container is on the network.
    """
    offered = {interface for interface, provided in manifest.provides.items() if provided.container == container}
    found = {own_network_name(manifest.id): {container}}
    for edge in edges:
        name = edge_network_name(edge.consumer, edge.provider)
        if edge.consumer == manifest.id:
            found.setdefault(name, set())
        elif edge.provider == manifest.id and edge.interface in offered:
            found[name] = {edge.provider, *offered}
    return {name: NetworkAttachment(aliases=tuple(sorted(aliases))) for name, aliases in sorted(found.items())}


def app_networks(manifest: AppManifest, edges: Iterable[Edge], node_id: str) -> tuple[NetworkSpec, ...]:
    """Return all networks on which an app's containers are."""
    pairs = {(edge.consumer, edge.provider) for edge in edges if manifest.id in (edge.consumer, edge.provider)}
    return (
        app_network(manifest, node_id),
        *(edge_network(consumer, provider, node_id) for consumer, provider in sorted(pairs)),
    )

"""Which networks there are and who is on them. Pure: values in, values out.

Each app has a network of its own; each pair of consumer and provider has one more, on which nobody else is.
"""

import hashlib
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


def edge_network_name(consumer: str, provider: str, interfaces: Collection[str]) -> str:
    """Return the name of the network between two apps. App ids hold single hyphens only, so it is unambiguous.

    It depends on what the consumer uses, and so do the provider's names on it: Podman cannot change the names of a
    container that is on a network.
    """
    used = hashlib.sha256(" ".join(sorted(interfaces)).encode()).hexdigest()[:16]
    return f"{PREFIX}{consumer}--{provider}--{used}"


def used_interfaces(edges: Iterable[Edge]) -> dict[tuple[str, str], frozenset[str]]:
    """Return what each pair of consumer and provider has between them."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for edge in edges:
        pair = (edge.consumer, edge.provider)
        found[pair] = found.get(pair, frozenset()) | {edge.interface}
    return found


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


def edge_network(consumer: str, provider: str, interfaces: Collection[str], node_id: str) -> NetworkSpec:
    """Return the network between two apps."""
    return NetworkSpec(
        name=edge_network_name(consumer, provider, interfaces),
        internal=True,
        labels={NODE: node_id, APP: consumer},
    )


def provider_host(interface: str) -> str:
    """Return the DNS name by which a consumer reaches an interface, on the network between the two."""
    return interface


def attachments(manifest: AppManifest, container: str, edges: Collection[Edge]) -> dict[str, NetworkAttachment]:
    """Return the networks of one container, with its names on each.

    `edges` are those of the whole node; every container of a consumer may use what the app requires, but of a provider
    only the containers behind the interface are there. A provider answers to the names of what this consumer uses, and
    to no others: it could take the place of another provider, from whom the consumer has an interface of that name.
    """
    offered = {interface for interface, provided in manifest.provides.items() if provided.container == container}
    found = {own_network_name(manifest.id): {container}}
    for (consumer, provider), interfaces in used_interfaces(edges).items():
        name = edge_network_name(consumer, provider, interfaces)
        if consumer == manifest.id:
            found[name] = set()
        elif provider == manifest.id and interfaces & offered:
            found[name] = set(interfaces & offered)
    return {name: NetworkAttachment(aliases=tuple(sorted(aliases))) for name, aliases in sorted(found.items())}


def app_networks(manifest: AppManifest, edges: Iterable[Edge], node_id: str) -> tuple[NetworkSpec, ...]:
    """Return all networks on which an app's containers are."""
    pairs = sorted(used_interfaces(edge for edge in edges if manifest.id in (edge.consumer, edge.provider)).items())
    return (
        app_network(manifest, node_id),
        *(edge_network(*pair, interfaces, node_id) for pair, interfaces in pairs),
    )

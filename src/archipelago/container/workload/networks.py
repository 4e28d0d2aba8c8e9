"""Which networks there are and who is on them. Pure: values in, values out.

Each app has a network of its own; each pair of consumer and provider has one more, on which nobody else is.
"""

import hashlib
from collections.abc import Collection, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.podman_client.labels import APP, NODE
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
    mark = hashlib.sha256(" ".join(sorted(set(interfaces))).encode()).hexdigest()[:16]
    return f"{PREFIX}{consumer}--{provider}--{mark}"


class Link(NamedTuple):
    """What one app uses of another, and the name of the network between the two."""

    network: str
    consumer: str
    provider: str
    interfaces: frozenset[str]


def links(edges: Iterable[Edge]) -> tuple[Link, ...]:
    """Return what each pair of consumer and provider has between them, in the order of the networks' names."""
    used: dict[tuple[str, str], set[str]] = {}
    for edge in edges:
        used.setdefault((edge.consumer, edge.provider), set()).add(edge.interface)
    found = [_link(*ends, frozenset(interfaces)) for ends, interfaces in used.items()]
    found.sort(key=itemgetter(0))
    return tuple(found)


# Both ends of a network ask for it, and again at each compilation.
@lru_cache(maxsize=4096)
def _link(consumer: str, provider: str, interfaces: frozenset[str]) -> Link:
    return Link(edge_network_name(consumer, provider, interfaces), consumer, provider, interfaces)


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


# As for links: the two ends share one.
@lru_cache(maxsize=4096)
def edge_network(link: Link, node_id: str) -> NetworkSpec:
    """Return the network between two apps."""
    return NetworkSpec(name=link.network, internal=True, labels={NODE: node_id, APP: link.consumer})


def attachments(manifest: AppManifest, container: str, links: Iterable[Link]) -> dict[str, NetworkAttachment]:
    """Return the networks of one container, with its names on each.

    `links` are those of the app or of the whole node; every container of a consumer may use what the app requires, but
    of a provider only the containers behind the interface are there. A provider answers to the names of what this
    consumer uses, and to no others: it could take the place of another provider, from whom the consumer has an
    interface of that name.
    """
    app = manifest.id
    offered = {interface for interface, provided in manifest.provides.items() if provided.container == container}
    found = {own_network_name(app): _attachment(container)}
    for network, consumer, provider, interfaces in links:
        if consumer == app:
            found[network] = _attachment()
        elif provider == app and (names := interfaces & offered):
            found[network] = _attachment(*sorted(names))
    return dict(sorted(found.items(), key=itemgetter(0)))


# As for links: most containers have the same few names.
@lru_cache(maxsize=1024)
def _attachment(*aliases: str) -> NetworkAttachment:
    return NetworkAttachment(aliases=aliases)


def app_networks(manifest: AppManifest, links: Iterable[Link], node_id: str) -> tuple[NetworkSpec, ...]:
    """Return all networks on which an app's containers are."""
    app = manifest.id
    return (
        app_network(manifest, node_id),
        *(edge_network(link, node_id) for link in links if app in (link.consumer, link.provider)),
    )

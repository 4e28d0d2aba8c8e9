"""Methods about onion services."""

from archipelago.api.apps import EndpointStatus
from archipelago.api.onions import OnionKey, OnionsView
from archipelago.api.services.node import OnionService
from archipelago.container.manifest.exposure import OnionAccess
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.node.network import EndpointParams
from archipelago.storage.records.permissions import Permission

family = Family()


class OnionParams(EndpointParams):
    """An endpoint, and who reaches it through Tor."""

    access: OnionAccess
    """Nobody, those who have the client key, or everybody who knows the address."""


class NodeOnionParams(Params):
    """The node's own page."""

    on: bool
    """Whether it is reached through Tor."""


@family.method(
    "onion-status",
    "Return whether Tor has connected, and which endpoints are reached through it",
    permission=Permission.READ,
)
async def _status(onions: OnionService) -> OnionsView:
    return await onions.view()


@family.method(
    "onion-set",
    "Say who reaches an endpoint of an app through Tor, until changed, changed by an update, or removed",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _set(onions: OnionService, params: OnionParams) -> EndpointStatus:
    return await onions.switch(params.app, params.endpoint, params.access)


@family.method(
    "onion-key",
    "Return the key with which clients reach an endpoint through Tor",
    permission=Permission.ADMINISTER,
    recorded=True,
    confirms=True,
)
async def _key(onions: OnionService, params: EndpointParams) -> OnionKey:
    return await onions.key(params.app, params.endpoint)


@family.method(
    "onion-key-renew",
    "Replace the key with which clients reach an endpoint through Tor; the old one opens nothing any longer",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _renew(onions: OnionService, params: EndpointParams) -> OnionKey:
    return await onions.renew_key(params.app, params.endpoint)


@family.method(
    "onion-node-set",
    "Have the node's own page reached through Tor by those who have its client key, or not",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _set_node(onions: OnionService, params: NodeOnionParams) -> OnionsView:
    return await onions.switch_node(on=params.on)


@family.method(
    "onion-node-key",
    "Return the key with which clients reach the node's own page through Tor",
    permission=Permission.ADMINISTER,
    recorded=True,
    confirms=True,
)
async def _node_key(onions: OnionService) -> OnionKey:
    return await onions.node_key(new=False)


@family.method(
    "onion-node-key-renew",
    "Replace the key with which clients reach the node's own page through Tor",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _renew_node(onions: OnionService) -> OnionKey:
    return await onions.node_key(new=True)

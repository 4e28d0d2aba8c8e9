"""Part of the manifest of a Tor: how it publishes the node's onion services."""

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import ContainerPath, Name, Port


class Onions(Part):
    """Has this app, which is a Tor, publish the onion services of the node.

    The node speaks to its control port, with the cookie that Tor writes into a volume as `control_auth_cookie`.
    """

    container: Name
    """Container in which Tor runs."""
    control_port: Port = 9051
    """Control port, on the loopback of that container; no other app reaches it."""
    cookie: Name
    """Volume in which Tor writes the cookie."""
    sockets: ContainerPath
    """Directory in which the container finds a socket for each onion service. It may open the pages behind them."""

"""What is said of the node's onion services."""

from pydantic import Field

from archipelago.support.view import View


class OnionKey(View):
    """What a client needs to reach an endpoint through Tor."""

    address: str
    """`http://<56 letters>.onion/`."""
    key: str
    """Private key of the clients, in base32: what Tor Browser and Orbot ask for."""
    line: str
    """The same as a line of a file `*.auth_private`, for the folder `ClientOnionAuthDir` of a Tor."""


class OnionsView(View):
    """How it stands with the onion services."""

    tor: str | None
    """App that publishes them; null where none runs."""
    progress: int | None = Field(default=None, ge=0, le=100)
    """How far it has connected to the Tor network, in per cent; null where nothing is published."""
    node: bool = False
    """Whether the node's own page is reached through Tor, with its client key."""
    endpoints: tuple[str, ...]
    """`APP/ENDPOINT` of those that are switched on, and whose app runs."""
    problems: tuple[str, ...]
    """Why some of them are not reached."""

"""Parts of the manifest about health: one class for each type of probe, and when to probe."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from archipelago.chains.registry import CHAINS
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Argument, Key, Port, Seconds

if TYPE_CHECKING:
    ChainName = str
else:
    ChainName = Literal[tuple(chain.name for chain in CHAINS)]


class HttpProbe(Part):
    """Healthy when the port answers an HTTP GET with a status below 400."""

    type: Literal["http"]
    """Always `http` for this kind of probe."""
    port: Port
    """Port inside the container."""
    path: Annotated[str, StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=400)] = "/"
    """Path that is asked for."""


class TcpProbe(Part):
    """Healthy when the port accepts a TCP connection."""

    type: Literal["tcp"]
    """Always `tcp` for this kind of probe."""
    port: Port
    """Port inside the container."""


class ExecProbe(Part):
    """Healthy when the command, run inside the container, ends with exit code 0.

    75 (EX_TEMPFAIL of sysexits.h) means that it works but still syncs; its first line of output says how far it is.
    """

    type: Literal["exec"]
    """Always `exec` for this kind of probe."""
    command: tuple[Argument, ...] = Field(min_length=1, max_length=50)
    """Program inside the container and its arguments; not a template."""


class ChainProbe(Part):
    """Asks a chain daemon for its height and progress: initial block download is `syncing`, not a failure."""

    type: Literal["chain"]
    """Always `chain` for this kind of probe."""
    chain: ChainName = "bitcoin"
    """Which chain's RPC the daemon speaks."""
    port: Port
    """RPC port inside the container."""
    user: Key = "archipelago"
    """RPC user of the node's own probe."""
    secret: Key
    """Secret that holds the user's password."""


Probe = Annotated[HttpProbe | TcpProbe | ExecProbe | ChainProbe, Field(discriminator="type")]


class HealthCheck(Part):
    """How the node finds out whether a container does its work."""

    probe: Probe
    """What is asked of the container."""
    interval: Annotated[Seconds, Field(ge=0.2)] = 10.0
    """Time between two probes once the container is healthy."""
    timeout: Annotated[Seconds, Field(ge=0.1, le=120)] = 5.0
    """Time after which one probe counts as failed."""
    failures: Annotated[int, Field(ge=1, le=100)] = 3
    """Failed probes in a row after which a healthy container is unhealthy."""
    start_timeout: Seconds = 120.0
    """Time in which a started container must answer once, before it counts as unhealthy."""

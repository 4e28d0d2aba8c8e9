"""Ports of this host that are to be published: free, or taken by whom Podman would only find out too late."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from archipelago.container.podman_client.errors import PodmanCall, PortTaken
from archipelago.container.podman_client.spec import PortMapping, PortProtocol


def refuse_taken_ports(call: PodmanCall, ports: Sequence[PortMapping]) -> None:
    """Raise PortTaken when another program listens on one of these.

    Podman 4.3 takes three seconds to say so and then leaves an address and a name behind: the address is never given
    out again, and the name keeps a name server alive that breaks the DNS of every network made later.
    """
    for port in ports:
        family = socket.AF_INET6 if ":" in port.host_ip else socket.AF_INET
        kind = socket.SOCK_STREAM if port.protocol is PortProtocol.TCP else socket.SOCK_DGRAM
        with socket.socket(family, kind) as probe:
            try:
                if port.protocol is PortProtocol.TCP:
                    # As Podman does: a connection that is still closing does not hold the port.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((port.host_ip, port.host_port))
                if port.protocol is PortProtocol.TCP:
                    probe.listen(1)
            except OSError as error:
                # Everything else (no such address, no right to it) Podman explains itself, and quickly.
                if error.errno == errno.EADDRINUSE:
                    text = f"{port.host_ip}:{port.host_port}/{port.protocol.value}: address already in use"
                    raise PortTaken(call, text, host_ip=port.host_ip, port=port.host_port) from error

"""A node that is open to its home network, as its page hears of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from archipelago.api.onions import OnionsView
from archipelago.api.system import LocalAccessView
from archipelago.api.trust import TrustGuide
from archipelago.network.trust.guide import trust_steps


def answers(now: datetime) -> Mapping[str, object]:
    """Return what the node says of its network, by method."""
    network = LocalAccessView(
        wanted=("lan",),
        available=("192.168.1.20",),
        listening=("192.168.1.20",),
        addresses=("https://192.168.1.20:8480/",),
        names=("archipelago.local",),
        endpoints=("https://192.168.1.20:8999/",),
        problems=(),
        authority="",
        fingerprint="AB:CD",
        valid_until=now + timedelta(days=300),
    )
    trust = TrustGuide(
        name="Archipelago on archipelago",
        fingerprint=":".join(f"{number * 7 % 256:02X}" for number in range(32)),
        thumbprint=":".join(f"{number * 5 % 256:02X}" for number in range(20)),
        valid_until=now + timedelta(days=3000),
        pages=("http://192.168.1.20:8481/certificate",),
        https_port=8443,
        devices=trust_steps("Archipelago on archipelago"),
    )
    onions = OnionsView(tor="tor", progress=100, node=True, endpoints=("mempool/page",), problems=())
    return {"network-status": network, "network-trust": trust, "onion-status": onions}

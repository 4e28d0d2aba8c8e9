"""Reticulum as a carrier of frames: both ends of a link to a gateway. RNS has no types, so it is used here alone."""

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import RNS

APP, ASPECT = "archipelago", "transactions"
LARGEST_FRAME = 400
"""Bytes: what fits into a packet on a link over any interface (431), with a reserve."""
OVERHEAD = 83
"""Bytes that a packet on a link has beside its frame: header, access code, initialisation vector, padding, HMAC."""
_QUEUE = 2000
"""Frames; what does not fit is lost, as it might be on the air."""
_PATH, _LINK = 3.0, 6.0
"""Times the patience of a sender, to wait for a way to the gateway and for a link."""
_LINKS = 256
"""Links that are open at a time."""
_CONFIGURATION = """[reticulum]
enable_transport = No
share_instance = No

[logging]
loglevel = 3

[interfaces]
[[node]]
type = TCPClientInterface
enabled = Yes
target_host = {host}
target_port = {port}
"""

Heard = tuple[bytes, bytes]
"""From which link, and what."""


def write_configuration(folder: Path, host: str, port: int) -> None:
    """Write a configuration of Reticulum whose one interface is a TCP connection to another instance."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(_CONFIGURATION.format(host=host, port=port))


def start(folder: Path | None) -> None:
    """Start Reticulum in this process, by the configuration in a folder or the user's own: once, in the main thread."""
    RNS.Reticulum(None if folder is None else str(folder), loglevel=RNS.LOG_WARNING)


def is_connected() -> bool:
    """Tell whether Reticulum reaches anything outside this process."""
    return any(interface.online for interface in RNS.Transport.interfaces)


class GatewayEnd:
    """What listens for senders: a destination with an address that follows from its key."""

    def __init__(self, key: bytes) -> None:
        """Take a private key of 64 bytes. Raises `ValueError` where it is none."""
        identity = RNS.Identity.from_bytes(key) if len(key) == 64 else None
        if identity is None:
            raise ValueError("the key of the gateway has to have 64 bytes")
        self.heard: queue.Queue[Heard] = queue.Queue(_QUEUE)
        self._links: dict[bytes, Any] = {}
        self._lock = threading.Lock()
        self._destination = RNS.Destination(identity, RNS.Destination.IN, RNS.Destination.SINGLE, APP, ASPECT)
        self._destination.set_link_established_callback(self._opened)

    @property
    def address(self) -> str:
        """Its address, 32 hexadecimal digits."""
        return str(RNS.hexrep(self._destination.hash, delimit=False))

    def announce(self) -> None:
        """Tell the network that it is here, and its public key."""
        self._destination.announce()

    def send(self, link: bytes, frame: bytes) -> None:
        """Send a frame to who opened a link; nothing happens where it is closed."""
        with self._lock:
            found = self._links.get(link)
        if found is not None and found.status == RNS.Link.ACTIVE:
            RNS.Packet(found, frame, create_receipt=False).send()

    def _opened(self, link: Any) -> None:
        with self._lock:
            if len(self._links) >= _LINKS:
                oldest = self._links.pop(next(iter(self._links)))
                threading.Thread(target=oldest.teardown, daemon=True).start()
            self._links[link.link_id] = link
        link.set_link_closed_callback(self._closed)
        link.set_packet_callback(lambda frame, _packet: self._take(link.link_id, frame))

    def _closed(self, link: Any) -> None:
        with self._lock:
            self._links.pop(link.link_id, None)

    def _take(self, link: bytes, frame: bytes) -> None:
        try:
            self.heard.put_nowait((link, frame))
        except queue.Full:
            pass


class SenderEnd:
    """A link to a gateway, which is made again when it breaks."""

    def __init__(self, address: str, patience: float) -> None:
        """Take the address of a gateway, and the seconds to wait for an answer. Raises `ValueError` for no address."""
        self._hash = bytes.fromhex(address)
        if len(self._hash) != RNS.Reticulum.TRUNCATED_HASHLENGTH // 8:
            raise ValueError("an address has 32 hexadecimal digits")
        self.heard: queue.Queue[bytes] = queue.Queue(_QUEUE)
        self._patience = patience
        self._link: Any = None

    def connect(self, until: float) -> bool:
        """Find a way to the gateway, and open a link; tell whether there is one before a monotonic time."""
        while time.monotonic() < until:
            if self._open(until):
                return True
        return False

    def is_open(self) -> bool:
        """Tell whether the link is there."""
        return self._link is not None and self._link.status == RNS.Link.ACTIVE

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        if self.is_open():
            RNS.Packet(self._link, frame, create_receipt=False).send()

    def close(self) -> None:
        """Close the link."""
        if self._link is not None:
            self._link.teardown()
            self._link = None

    def _open(self, until: float) -> bool:
        if not RNS.Transport.has_path(self._hash):
            RNS.Transport.request_path(self._hash)
            _wait_for(lambda: bool(RNS.Transport.has_path(self._hash)), self._at_most(until, _PATH))
        identity = RNS.Identity.recall(self._hash)
        if identity is None or not RNS.Transport.has_path(self._hash):
            return False  # RNS remembers identities for longer than paths, and would wait for minutes
        destination = RNS.Destination(identity, RNS.Destination.OUT, RNS.Destination.SINGLE, APP, ASPECT)
        opened, closed = threading.Event(), threading.Event()
        link = RNS.Link(destination, lambda _: opened.set(), lambda _: closed.set())
        link.set_packet_callback(lambda frame, _packet: self._take(frame))
        _wait_for(lambda: opened.is_set() or closed.is_set(), self._at_most(until, _LINK))
        if not opened.is_set():
            link.teardown()
            return False
        self._link = link
        return True

    def _at_most(self, until: float, times: float) -> float:
        return min(until, time.monotonic() + times * self._patience)

    def _take(self, frame: bytes) -> None:
        try:
            self.heard.put_nowait(frame)
        except queue.Full:
            pass


def _wait_for(found: Callable[[], bool], until: float, step: float = 0.05) -> None:
    while not found() and time.monotonic() < until:
        time.sleep(step)

"""What distinguishes this machine from one that runs a copy of its disk."""

import hashlib
from pathlib import Path

_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
"""Of a small board, such as a Raspberry Pi."""
_CARDS = Path("/sys/class/net")


def machine_marks(serial: Path = _SERIAL, cards: Path = _CARDS) -> frozenset[str]:
    """Return digests of the addresses of network cards and of the board's number; nothing where there are none.

    No file counts: a copy of the disk has it too. A machine is the same as long as one of them is. Blocking.
    """
    found = {_read(serial)}
    try:
        found |= {_read(card / "address") for card in cards.iterdir() if (card / "device").exists()}
    except OSError:
        pass
    return frozenset(hashlib.sha256(each.encode()).hexdigest()[:16] for each in found if each.strip("0:"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""

"""The program: `python3 -m explorer` serves the pages, as its settings say."""

import json
import sys
import time
from pathlib import Path

import waitress

from explorer.doors import ElectrumDoor, NodeDoor
from explorer.site import Site

_SETTINGS = Path("/etc/explorer/settings.json")
_PORT = 8080


def main() -> int:
    """Serve until it is ended."""
    settings = json.loads(_SETTINGS.read_text())
    electrum = settings["electrum"]
    site = Site(
        NodeDoor(**settings["node"]),
        None if electrum is None else ElectrumDoor(**electrum),
        settings["network"],
        time.time,
    )
    waitress.serve(
        site,
        listen=f"0.0.0.0:{_PORT}",
        threads=4,  # as many as bitcoind has for calls
        connection_limit=64,
        channel_timeout=30,
        max_request_body_size=1024,
        max_request_header_size=16 * 1024,
        ident=None,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

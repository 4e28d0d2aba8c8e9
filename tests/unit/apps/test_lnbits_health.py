"""What the health check of LNbits says of LNbits and of LND, each of which may answer or not."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from support.checkout import APPS

HEALTH = APPS / "lnbits" / "files" / "health"
MACAROON = bytes.fromhex("0201036c6e64")
DENIED = {"code": 2, "message": "permission denied", "details": []}
LOCKED = {"code": 2, "message": "wallet locked, unlock it to enable full RPC access", "details": []}


@contextmanager
def serving(status: int, said: Any, asked: list[tuple[str, str | None]]) -> Iterator[int]:
    """Answer each request alike, and note it; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Grpc-Metadata-macaroon"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socketserver.TCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_address[1]


def check(folder: Path, lnbits: int, lnd: int) -> tuple[str, int]:
    """Run the check against these ports; return what it says and its exit code."""
    (folder / "settings.json").write_text(json.dumps({"lnd_rest_endpoint": f"http://127.0.0.1:{lnd}"}))
    (folder / "lnd.macaroon").write_bytes(MACAROON)
    text = HEALTH.read_text()
    for old, new in (
        ("/etc/lnbits/settings.json", str(folder / "settings.json")),
        ("/run/lnbits/lnd.macaroon", str(folder / "lnd.macaroon")),
        ('("127.0.0.1", 5000)', f'("127.0.0.1", {lnbits})'),
    ):
        assert old in text
        text = text.replace(old, new)
    done = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, timeout=30)
    assert not done.stderr, done.stderr
    return done.stdout.strip(), done.returncode


@pytest.mark.parametrize(
    ("lnbits", "lnd", "said", "code"),
    [
        ((404, {"detail": "Payment does not exist."}), (200, {"balance": "1"}), "", 0),
        ((500, {"detail": "disk I/O error"}), (200, {"balance": "1"}), "it cannot read its ledger: status 500", 1),
        ((307, {}), (200, {"balance": "1"}), "it cannot read its ledger: status 307", 1),
        ((404, {}), (500, DENIED), "LND refuses its macaroon", 1),
        ((404, {}), (500, LOCKED), "waits for LND", 75),
        ((404, {}), None, "waits for LND", 75),
    ],
)
def test_it_asks_both(
    tmp_path: Path, lnbits: tuple[int, Any], lnd: tuple[int, Any] | None, said: str, code: int
) -> None:
    asked: list[tuple[str, str | None]] = []
    with serving(*lnbits, asked) as first:
        if lnd is None:
            assert check(tmp_path, first, closed_port()) == (said, code)
            return
        with serving(*lnd, asked) as second:
            assert check(tmp_path, first, second) == (said, code)
    assert asked[0] == (f"/api/v1/payments/{'0' * 64}", None)
    assert asked[1:] == ([("/v1/balance/channels", MACAROON.hex())] if lnbits[0] == 404 else [])


def test_lnbits_that_does_not_answer_is_not_healthy(tmp_path: Path) -> None:
    said, code = check(tmp_path, closed_port(), closed_port())
    assert said.startswith("it does not answer: ") and code == 1

"""What the health check of ElectrumX says while its node cannot answer yet."""

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from support.checkout import APPS

HEALTH = APPS / "electrumx" / "files" / "health"


def check(tmp_path: Path, error: dict[str, object]) -> tuple[int, str]:
    """Run the check beside a node that answers each call with an error, and an index that is not served yet."""

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"result": None, "error": error, "id": 0}).encode()
            self.send_response(500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Node) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        login = tmp_path / "environment"
        login.write_text(f"DAEMON_URL=http://user:word@127.0.0.1:{server.server_port}/\n")
        text = HEALTH.read_text().replace("/etc/electrumx/environment", str(login))
        for port in ("50001", "8000"):
            text = text.replace(port, str(closed.getsockname()[1]))
        done = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, timeout=30)
        server.shutdown()
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": -28, "message": "Loading block index…"}, (75, "waits for the node: Loading block index…")),
        ({"code": -1, "message": "nonsense"}, (1, "it does not answer: {'code': -1, 'message': 'nonsense'}")),
    ],
)
def test_a_node_that_loads_its_blocks_is_waited_for(
    error: dict[str, object], said: tuple[int, str], tmp_path: Path
) -> None:
    assert check(tmp_path, error) == said

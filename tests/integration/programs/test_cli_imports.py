"""What the command loads: each use of it, and each Tab in a shell, starts a new process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from threading import Thread

import pytest

from support.checkout import SOURCE

PARTS_OF_A_NODE = {
    "archipelago.api", "archipelago.catalog", "archipelago.chains", "archipelago.config", "archipelago.container",
    "archipelago.daemon", "archipelago.network", "archipelago.node", "archipelago.performance", "archipelago.rpc",
    "archipelago.security", "archipelago.storage.database", "archipelago.storage.records", "archipelago.storage.stores",
    "aiohttp", "alembic", "argon2", "asyncio", "cryptography", "cyclonedx", "jinja2", "packaging", "pyrage", "segno",
    "sigstore", "sqlalchemy", "structlog", "webauthn", "yaml",
}  # fmt: skip
SLOW_TO_LOAD = {"http.client", "pydantic", "rich"}

RUN = "import sys; from archipelago.cli.main import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


class Answer(BaseHTTPRequestHandler):
    """Says that no app is installed, and that the catalog is empty."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Path]:
    socket = tmp_path / "node.sock"
    with UnixStreamServer(str(socket), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield socket
        server.shutdown()
        thread.join()


def loaded(socket: Path, *arguments: str) -> tuple[str, set[str]]:
    """Return what the command prints, and the modules that it loads."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "ARCHIPELAGO_SOCKET": str(socket)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.split())


def within(modules: set[str], names: set[str]) -> set[str]:
    return {one for one in modules if any(one == name or one.startswith(f"{name}.") for name in names)}


def test_help_loads_nothing_but_the_command_line(tmp_path: Path) -> None:
    printed, modules = loaded(tmp_path / "nobody", "--help")
    assert "Commands:" in printed
    assert not within(modules, PARTS_OF_A_NODE | SLOW_TO_LOAD)


@pytest.mark.parametrize("command", ["list", "catalog"])
def test_a_question_loads_no_part_of_a_node(node: Path, command: str) -> None:
    printed, modules = loaded(node, command)
    assert printed
    assert "archipelago.cli.connection" in modules
    assert not within(modules, PARTS_OF_A_NODE | {"rich"})

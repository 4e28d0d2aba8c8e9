"""What the gateway makes of bitcoind's answers, and what the command says of bad input."""

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from meshtx.frames import Status
from meshtx.gateway import Outcome
from meshtx.node_rpc import BitcoinNode
from support.mesh import PROGRAM

TXID = "ab" * 32
FINE = [{"txid": TXID, "allowed": True}]


def error(code: int, message: str) -> dict[str, Any]:
    return {"result": None, "error": {"code": code, "message": message}}


@contextmanager
def bitcoind(answers: dict[str, Any], status: int = 200) -> Iterator[tuple[BitcoinNode, list[str]]]:
    """A port that answers each method with a value, and the methods that it was asked for."""
    asked: list[str] = []

    class Rpc(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request["method"])
            answer = answers[request["method"]]
            said = answer if isinstance(answer, dict) and "error" in answer else {"result": answer, "error": None}
            body = json.dumps(said).encode()
            self.send_response(500 if said["error"] else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Rpc) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield BitcoinNode("127.0.0.1", server.server_port, "user", "word"), asked
        server.shutdown()


def denied(reason: str) -> list[dict[str, Any]]:
    return [{"txid": TXID, "allowed": False, "reject-reason": reason}]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"testmempoolaccept": FINE, "sendrawtransaction": TXID}, Outcome(Status.ACCEPTED, bytes.fromhex(TXID))),
        ({"testmempoolaccept": denied("txn-already-in-mempool")}, Outcome(Status.KNOWN, bytes.fromhex(TXID))),
        ({"testmempoolaccept": denied("txn-already-known")}, Outcome(Status.KNOWN, bytes.fromhex(TXID))),
        ({"testmempoolaccept": denied("dust")}, Outcome(Status.REFUSED, reason="dust")),
        ({"testmempoolaccept": error(-22, "TX decode failed")}, Outcome(Status.REFUSED, reason="TX decode failed")),
        ({"testmempoolaccept": denied("x" * 9999)}, Outcome(Status.REFUSED, reason="x" * 300)),
        ({"testmempoolaccept": FINE, "sendrawtransaction": error(-27, "in chain")}, Outcome(Status.KNOWN)),
        (
            {"testmempoolaccept": FINE, "sendrawtransaction": error(-25, "bad-txns")},
            Outcome(Status.REFUSED, reason="bad-txns"),
        ),
        ({"testmempoolaccept": error(-28, "Loading…")}, Outcome(Status.WAITING, reason="Loading…")),
        ({"testmempoolaccept": "?"}, Outcome(Status.WAITING, reason="the node answers nonsense")),
    ],
)
def test_each_answer_has_a_meaning(answers: dict[str, Any], outcome: Outcome) -> None:
    with bitcoind(answers) as (node, asked):
        assert node.submit(b"\x01") == outcome
        assert asked == [*answers]


def test_a_node_that_lets_nobody_in_or_is_not_there_is_waited_for() -> None:
    with bitcoind({"testmempoolaccept": FINE}, status=403) as (node, _):
        said = node.submit(b"\x01")
    assert said.status is Status.WAITING and "HTTP 403" in said.reason
    gone = node.submit(b"\x01")
    assert gone.status is Status.WAITING and "does not answer" in gone.reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["00" * 16, "-"], "line 2: a signed transaction in hexadecimal digits is needed"),
        (["00" * 16, "/nowhere"], "No such file"),
        (["00" * 16, "-", "--duty", "0"], "-"),
    ],
)
def test_bad_input_is_told_in_a_line(arguments: list[str], said: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "meshtx", "send", *arguments]
    done = subprocess.run(command, input="00\nzz\n", env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and said in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


PURE = ("airtime", "delivery", "erasure", "frames", "gateway", "rates", "reassembly")
FORBIDDEN = {"RNS", "asyncio", "http", "os", "queue", "random", "signal", "socket", "subprocess", "threading", "time"}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_know_no_network_and_no_clock(name: str) -> None:
    tree = ast.parse((PROGRAM / "meshtx" / f"{name}.py").read_text())
    names = [each.names[0].name for each in ast.walk(tree) if isinstance(each, ast.Import)]
    names += [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    assert not {each.split(".")[0] for each in names} & FORBIDDEN
    assert {each for each in names if each.startswith("meshtx.")} <= {f"meshtx.{one}" for one in PURE}


def test_the_image_has_all_of_the_program() -> None:
    manifest = (PROGRAM.parent / "manifest.yml").read_text()
    for path in (PROGRAM / "meshtx").glob("*.py"):
        assert f"source: files/meshtx/{path.name}," in manifest

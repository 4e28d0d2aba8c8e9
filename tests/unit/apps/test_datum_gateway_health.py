"""What Datum Gateway's health says of the work that miners get, and of addresses that it must not pay to."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.checkout import APPS

GATEWAY = APPS / "datum-gateway" / "files" / "gateway"
SCRIPT = "76a914" + "ab" * 20 + "88ac"
BLOCK = "".join(f"{each:08x}" for each in range(8))
PREVIOUS = "".join(f"{each:08x}" for each in reversed(range(8)))
"""The same hash, as Stratum writes it."""
CHAIN = {"chain": "main", "initialblockdownload": False, "blocks": 9, "headers": 9}
GOOD = {
    "validateaddress": {"isvalid": True, "scriptPubKey": SCRIPT},
    "getblockchaininfo": CHAIN,
    "getbestblockhash": BLOCK,
}


@contextmanager
def node(answers: dict[str, Any]) -> Iterator[int]:
    """Yield the port of a bitcoind that gives these answers; a text is an error."""

    class Rpc(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = answers[json.loads(self.rfile.read(int(self.headers["Content-Length"])))["method"]]
            fails = isinstance(answer, dict) and "code" in answer
            body = json.dumps({"result": None if fails else answer, "error": answer if fails else None}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Rpc) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def stratum(work: list[Any] | None) -> Iterator[int]:
    """Yield a port at which miners get this work, or none."""

    class Miner(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            if work is not None:
                self.rfile.readline()
                for said in ({"id": 1, "result": []}, {"id": None, "method": "mining.notify", "params": work}):
                    self.wfile.write(json.dumps(said).encode() + b"\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Miner) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def said(
    tmp_path: Path, command: str, answers: dict[str, Any], work: list[Any] | None, address: str
) -> tuple[int, str]:
    with node(answers) as rpc, stratum(work) as port:
        settings = tmp_path / "settings.json"
        login = {"rpcuser": "u", "rpcpassword": "p", "rpcurl": f"http://127.0.0.1:{rpc}"}
        settings.write_text(json.dumps({"bitcoind": login, "mining": {"pool_address": address}}))
        text = GATEWAY.read_text().replace("/etc/datum/settings.json", str(settings)).replace("23334", str(port))
        text = text.replace("/usr/bin/datum_gateway", "/bin/echo")
        done = subprocess.run([sys.executable, "-S", "-c", text, command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.strip()


def job(previous: str = PREVIOUS, pays: str = SCRIPT) -> list[Any]:
    return ["job", previous, "0100", f"ffff{pays}0000", [], "20000000", "207fffff", "65000000", True]


@pytest.mark.parametrize(
    ("answers", "work", "address", "expected"),
    [
        ({}, job(), "1abc", (0, "work for block 10, which pays to 1abc")),
        ({}, job(pays="76a914" + "cd" * 20 + "88ac"), "1abc", (1, "its work does not pay to your address")),
        ({}, job(previous="00" * 32), "1abc", (1, "its work does not build on the newest block")),
        ({}, None, "1abc", (1, "it gives miners no work")),
        ({}, job(), "", (75, "waits for the address that your blocks pay to")),
        (
            {"validateaddress": {"isvalid": False, "error": "Invalid prefix"}},
            job(),
            "tb1abc",
            (1, "tb1abc is no address of mainnet: Invalid prefix"),
        ),
        ({}, job(), "bcrt1abc", (1, "Datum Gateway cannot read bcrt1abc")),
        (
            {"validateaddress": {"code": -28, "message": "Loading"}},
            job(),
            "1abc",
            (75, "waits for the Bitcoin node: Load"),
        ),
        (
            {"getblockchaininfo": {**CHAIN, "initialblockdownload": True, "headers": 99}},
            job(),
            "1abc",
            (75, "waits for the Bitcoin node, which is at block 9 of 99"),
        ),
    ],
)
def test_health_compares_what_miners_get_with_the_node_and_the_address(
    answers: dict[str, Any], work: list[Any] | None, address: str, expected: tuple[int, str], tmp_path: Path
) -> None:
    code, text = said(tmp_path, "health", {**GOOD, **answers}, work, address)
    assert code == expected[0] and text.startswith(expected[1]), text


def test_it_starts_for_a_good_address_alone(tmp_path: Path) -> None:
    code, text = said(tmp_path, "start", GOOD, None, "1abc")
    assert code == 0 and text.startswith("-c ")
    bad = {**GOOD, "validateaddress": {"isvalid": False, "error": "Invalid prefix"}}
    assert said(tmp_path, "start", bad, None, "tb1abc") == (1, "tb1abc is no address of mainnet: Invalid prefix")

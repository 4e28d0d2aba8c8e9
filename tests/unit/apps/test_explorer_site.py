"""The explorer's pages over a node whose chain has hostile texts, and over a node that is not well."""

import ast
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from explorer.doors import NodeDoor
from explorer.site import Site
from support.checkout import APPS

PROGRAM = APPS / "explorer" / "files"
BLOCK, TXID = "0b" * 32, "7d" * 32
HOSTILE = "<script>alert(1)</script> \"'&"
NOW = 1_700_000_600.0


def script(**parts: Any) -> dict[str, Any]:
    return {"hex": "6a" + f"{len(HOSTILE):02x}" + HOSTILE.encode().hex(), "type": "<i>new</i>", **parts}


TRANSACTION = {
    **{"txid": TXID, "size": 200, "vsize": 150, "weight": 600, "version": 2, "locktime": 0, "blockhash": BLOCK},
    **{"confirmations": 1, "blocktime": 1_700_000_000},
    "vin": [{"coinbase": HOSTILE.encode().hex(), "sequence": 0}],
    "vout": [{"n": each, "value": 0.5, "scriptPubKey": script()} for each in range(60)],
}
HEADER = {
    **{"hash": BLOCK, "height": 7, "time": 1_700_000_000, "nTx": 60, "confirmations": 1, "merkleroot": "aa" * 32},
    **{"difficulty": 1.5, "versionHex": "20000000", "bits": "207fffff", "nonce": 4},
}
CHAIN = {"chain": "regtest", "blocks": 7, "headers": 7, "bestblockhash": BLOCK, "initialblockdownload": False}
ANSWERS: dict[str, Any] = {
    "getblockchaininfo": {**CHAIN, "pruned": False},
    "getblockhash": BLOCK,
    "getblockheader": HEADER,
    "getblock": {"weight": 4000, "size": 1234567, "tx": [TXID] * 60},
    "getblockstats": {"totalfee": 5, "feerate_percentiles": [1, 2, 3, 4, 5], "subsidy": 10},
    "getrawtransaction": TRANSACTION,
    "getrawmempool": [TXID] * 5000,
    "getmempoolinfo": {"size": 5000, "bytes": 10, "usage": 10, "mempoolminfee": 0.00001, "total_fee": 0.1},
    "getmempoolentry": {"time": 1_700_000_000, "fees": {"base": 0.0001}},
    "getindexinfo": {},
    "gettxout": None,
    "estimatesmartfee": {"errors": ["no"]},
    "validateaddress": {"isvalid": True, "address": "bcrt1qabcabcabcabcabc", "scriptPubKey": "51"},
}


def refused(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@contextmanager
def served(answers: Mapping[str, Any], status: int = 200) -> Iterator[tuple[Callable[..., tuple[int, str]], list[str]]]:
    """Yield what asks the explorer for a path, and the calls that its node got."""
    calls: list[str] = []

    class Rpc(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20  # an answer is one packet, as bitcoind's is

        def do_POST(self) -> None:
            calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["method"])
            answer = answers[calls[-1]]
            fails = isinstance(answer, dict) and "code" in answer.get("error", ())
            said = answer if fails else {"result": answer, "error": None}
            body = json.dumps(said).encode()
            self.send_response(500 if said["error"] else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Rpc) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        site = Site(NodeDoor("127.0.0.1", server.server_port, "u", "p"), None, "regtest", lambda: NOW)

        def ask(path: str, method: str = "GET") -> tuple[int, str]:
            told: list[Any] = []
            environ = {"REQUEST_METHOD": method, "PATH_INFO": path.partition("?")[0]}
            environ["QUERY_STRING"] = path.partition("?")[2]
            setup_testing_defaults(environ)
            body = b"".join(site(environ, lambda *given: told.extend(given)))
            headers = dict(told[1])
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            return int(told[0].split()[0]), headers.get("Location", "") or body.decode()

        yield ask, calls
        server.shutdown()


ADDRESS = "/address/bcrt1qabcabcabcabcabc"
PAGES = ["/", "/?from=3", "/mempool", "/fees", f"/block/{BLOCK}", "/block/7", f"/tx/{TXID}", ADDRESS]


@pytest.mark.parametrize("path", PAGES)
def test_what_strangers_wrote_is_text_on_each_page(path: str) -> None:
    with served(ANSWERS) as (ask, _):
        code, page = ask(path)
    assert code == 200, page
    assert not re.search(r"<(script|i)>| (on\w+|style)=|https?://", page), page
    assert page.count("<main") == 1 and "</html>" in page


def test_a_page_has_a_bounded_part_of_a_long_list_and_the_way_to_the_rest() -> None:
    with served(ANSWERS) as (ask, calls):
        page = ask(f"/block/{BLOCK}?page=2")[1]
        assert page.count('<a class="hash"') == 25 and "2 of 3" in page and f"/block/{BLOCK}?page=3" in page
        assert len(calls) < 40
        page = ask(f"/tx/{TXID}?out=3")[1]
        assert "3 of 3" in page and page.count('<span class="index">') == 11 and "&lt;script&gt;" in page
        calls.clear()
        page = ask("/mempool?page=9999")[1]
        assert "40 of 40" in page and "1,000 of 5,000" in page and len(calls) < 60


def test_a_block_in_which_nobody_pays_has_its_whole_size_and_no_rate_of_fees() -> None:
    with served(ANSWERS) as (ask, _):
        page = ask("/")[1]
        assert "1.23 MB" in page and "3.00 <small>sat/vB" in page
    with served({**ANSWERS, "getblockheader": {**HEADER, "nTx": 1}}) as (ask, _):
        page = ask("/")[1]
        assert "1.23 MB" in page and "sat/vB" not in page.partition("<table")[2]


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("7", f"/block/{BLOCK}"),
        (BLOCK, f"/block/{BLOCK}"),
        ("bcrt1qabcabcabcabcabc", ADDRESS),
        ("", "/"),
    ],
)
def test_a_search_leads_to_the_page(asked: str, to: str) -> None:
    with served(ANSWERS) as (ask, _):
        assert ask(f"/search?q={asked}") == (303, to)


def test_a_search_for_nonsense_is_told_what_can_be_looked_for_and_keeps_the_words() -> None:
    with served(ANSWERS) as (ask, _):
        code, page = ask("/search?q=%22%3E%3Cscript%3E")
        assert code == 404 and "by its height or hash" in page
        assert 'value="&#34;&gt;&lt;script&gt;"' in page
        assert ask("/nowhere")[0] == ask("/tx/x")[0] == ask("/block/-1")[0] == ask("/address/a%20b")[0] == 404
        assert ask("/", method="POST")[0] == 405


def test_a_transaction_that_is_not_there_is_told_with_the_reason() -> None:
    missing = {**ANSWERS, "getrawtransaction": refused(-5, "No such mempool transaction")}
    with served(missing) as (ask, _):
        code, page = ask(f"/tx/{TXID}")
        assert code == 404 and "Index all transactions" in page
    with served({**missing, "getindexinfo": {"txindex": {"synced": False}}}) as (ask, _):
        assert "still making" in ask(f"/tx/{TXID}")[1]
    with served({**missing, "getindexinfo": {"txindex": {"synced": True}}}) as (ask, _):
        assert "knows no block and no transaction" in ask(f"/tx/{TXID}")[1]


def test_an_address_of_another_network_is_refused_with_the_reason() -> None:
    with served({**ANSWERS, "validateaddress": {"isvalid": False, "error": "Invalid prefix"}}) as (ask, _):
        code, page = ask("/address/1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
        assert code == 404 and "no address of this network (regtest): Invalid prefix" in page


def test_a_pruned_block_is_shown_without_its_transactions() -> None:
    gone = refused(-1, "Block not available (pruned data)")
    with served({**ANSWERS, "getblock": gone, "getblockstats": gone}) as (ask, _):
        code, page = ask(f"/block/{BLOCK}")
        assert code == 200 and "pruned" in page and BLOCK in page


@pytest.mark.parametrize(
    ("answers", "status", "code", "said"),
    [
        (
            {"getblockchaininfo": refused(-28, "Loading block index…")},
            200,
            503,
            "node is starting: Loading",
        ),
        ({"getblockchaininfo": {**CHAIN, "pruned": False}}, 403, 503, "does not let this app call getblockchaininfo"),
        ({"getblockchaininfo": "nonsense"}, 200, 500, "mistake"),
        ({"getblockchaininfo": {**CHAIN, "chain": "main", "pruned": False}}, 200, 503, "shows mainnet and should show"),
        (
            {"getblockhash": "0c" * 32, "getblockheader": {**HEADER, "hash": "0c" * 32}},
            200,
            503,
            "is not that of the",
        ),
        ({}, 200, 200, "regtest, block 7"),
    ],
)
def test_health_compares_with_the_node(answers: dict[str, Any], status: int, code: int, said: str) -> None:
    with served({**ANSWERS, **answers}, status) as (ask, _):
        found, text = ask("/health")
    assert (found, said in text) == (code, True), text


PURE = ("scripts", "seeking", "views", "words")


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_know_no_network_and_no_clock(name: str) -> None:
    tree = ast.parse((PROGRAM / "explorer" / f"{name}.py").read_text())
    names = [each.names[0].name for each in ast.walk(tree) if isinstance(each, ast.Import)]
    names += [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    assert not {each.split(".")[0] for each in names} & {"http", "os", "socket", "time", "threading", "pathlib"}
    assert {each for each in names if each.startswith("explorer.")} <= {f"explorer.{one}" for one in PURE}


def test_the_image_has_all_of_the_program_and_the_icon_is_that_of_the_app() -> None:
    manifest = (PROGRAM.parent / "manifest.yml").read_text()
    for path in (PROGRAM / "explorer").rglob("*.*"):
        if "__pycache__" not in path.parts:
            assert f"source: files/{path.relative_to(PROGRAM)}," in manifest
    assert (PROGRAM / "explorer/pages/icon.svg").read_bytes() == (PROGRAM.parent / "icon.svg").read_bytes()

"""The pages, as a WSGI application: it changes nothing, and shows what strangers wrote as text."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from explorer import words
from explorer.doors import CallRefused, Calls, ElectrumDoor, NodeAway, NodeDoor, NodeLoading
from explorer.reading import NothingFound, Reader, StatsKept, Tip
from explorer.seeking import is_hash, page_number, sheet

_PAGES = Path(__file__).with_name("pages")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MOST_WORDS = 200
"""Characters of what somebody looks for."""
_NETWORKS = {"main": "mainnet", "test": "testnet3"}
"""Names of bitcoind that are not the usual ones."""
_FILES = {"/style.css": "text/css; charset=utf-8", "/icon.svg": "image/svg+xml"}

StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a browser."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a browser asks for."""

    path: str
    query: Mapping[str, str]

    def page(self, name: str = "page") -> int:
        """Return the number of a page of a list."""
        return page_number(self.query.get(name, ""))


class Site:
    """Answers browsers."""

    def __init__(self, node: NodeDoor, electrum: ElectrumDoor | None, network: str, now: Callable[[], float]) -> None:
        """Take the ways to bitcoind and to an Electrum server, the network as the owner has set it, and a clock."""
        self._node = node
        self._electrum = electrum
        self._network = network
        self._now = now
        self._stats = StatsKept()
        self._templates = _templates()

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            given = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True, max_num_fields=20)
            query = {name: values[-1] for name, values in given.items()}
            reply = self._answer(Wanted(environ.get("PATH_INFO", "/") or "/", query))
        else:
            reply = Reply(HTTPStatus.METHOD_NOT_ALLOWED, b"", {"Allow": "GET, HEAD"})
        headers = {**_HEADERS, "Cache-Control": "no-store", **reply.headers, "Content-Length": str(len(reply.body))}
        start_response(f"{reply.status.value} {reply.status.phrase}", list(headers.items()))
        return [] if method == "HEAD" else [reply.body]

    def _answer(self, wanted: Wanted) -> Reply:
        if wanted.path in _FILES:
            kind, body = _FILES[wanted.path], (_PAGES / wanted.path[1:]).read_bytes()
            return Reply(HTTPStatus.OK, body, {"Content-Type": kind, "Cache-Control": "max-age=3600"})
        try:
            with self._node.open() as calls:
                reader = Reader(calls, self._electrum, self._stats)
                return self._health(calls) if wanted.path == "/health" else self._page(reader, wanted)
        except NothingFound as error:
            return self._words(HTTPStatus.NOT_FOUND, "Not found", str(error), wanted)
        except NodeLoading as error:
            return self._words(HTTPStatus.SERVICE_UNAVAILABLE, "Your Bitcoin node is starting", str(error), wanted)
        except NodeAway as error:
            said = f"The reason: {error}. Look at it on the page of this node."
            return self._words(HTTPStatus.SERVICE_UNAVAILABLE, "Your Bitcoin node does not answer", said, wanted)
        except CallRefused as error:
            return self._words(HTTPStatus.BAD_GATEWAY, "Your Bitcoin node refused", f"It says: {error}", wanted)
        except Exception:
            traceback.print_exc()
            said = "What went wrong is in its log: 'archipelago logs explorer'."
            return self._words(HTTPStatus.INTERNAL_SERVER_ERROR, "The explorer made a mistake", said, wanted)

    def _page(self, reader: Reader, wanted: Wanted) -> Reply:
        what, _, name = wanted.path[1:].partition("/")
        match what, name:
            case "", "":
                return self._home(reader, wanted)
            case "search", "":
                to = quote(reader.way(wanted.query.get("q", "")[:_MOST_WORDS]))
                return Reply(HTTPStatus.SEE_OTHER, b"", {"Location": to})
            case "mempool", "":
                values = {"mempool": reader.mempool(), "waiting": reader.waiting(wanted.page())}
                return self._shown("mempool.html", reader.tip(), values)
            case "fees", "":
                values = {"estimates": reader.estimates(), "mempool": reader.mempool()}
                return self._shown("fees.html", reader.tip(), values)
            case "block", name if is_hash(name) or name.isdecimal():
                block, transactions = reader.block(name, wanted.page())
                return self._shown("block.html", reader.tip(), {"block": block, "transactions": transactions})
            case "tx", name if is_hash(name):
                return self._transaction(reader, name, wanted)
            case "address", name if name.isalnum() and name.isascii():
                address = reader.address(name, wanted.page())
                values = {"address": address, "electrum": self._electrum is not None}
                return self._shown("address.html", reader.tip(), values)
        raise NothingFound("There is no such page.")

    def _home(self, reader: Reader, wanted: Wanted) -> Reply:
        tip = reader.tip()
        given = wanted.query.get("from", "")
        newest = min(tip.height, int(given)) if given.isdecimal() and len(given) < 10 else tip.height
        values = {
            "rows": reader.rows(newest),
            "newest": newest,
            "mempool": reader.mempool(),
            "estimates": reader.estimates()[::2],
        }
        return self._shown("home.html", tip, values)

    def _transaction(self, reader: Reader, txid: str, wanted: Wanted) -> Reply:
        block = wanted.query.get("block", "")
        view = reader.transaction(txid, block if is_hash(block) else "")
        inputs, outputs = sheet(view.inputs, wanted.page("in")), sheet(view.outputs, wanted.page("out"))
        values = {
            "transaction": view,
            "inputs": inputs,
            "sources": reader.with_sources(inputs.items),
            "outputs": outputs,
            "targets": reader.with_spent(view, outputs.items),
            "height": reader.node.call("getblockheader", view.block)["height"] if view.block else None,
        }
        return self._shown("transaction.html", reader.tip(), values)

    def _health(self, calls: Calls) -> Reply:
        """Compare what pages show with what the node says, and say it in a line."""
        reader = Reader(calls, None, self._stats)
        tip = reader.tip()
        if (chain := _network(tip.chain)) != self._network:
            return _line(HTTPStatus.SERVICE_UNAVAILABLE, f"it shows {chain} and should show {self._network}")
        (newest,) = reader.rows(tip.height, 1)
        if newest.hash != tip.hash and reader.tip().hash == tip.hash:
            return _line(HTTPStatus.SERVICE_UNAVAILABLE, f"its block {tip.height} is not that of the node")
        return _line(HTTPStatus.OK, f"{chain}, block {newest.height}")

    def _shown(self, template: str, tip: Tip, values: Mapping[str, object]) -> Reply:
        return self._rendered(HTTPStatus.OK, template, {"tip": tip, "network": _network(tip.chain), **values})

    def _words(self, status: HTTPStatus, title: str, said: str, wanted: Wanted) -> Reply:
        if wanted.path == "/health":
            return _line(status, f"{title}: {said}")
        values = {"tip": None, "network": self._network, "title": title, "said": said}
        return self._rendered(status, "message.html", {**values, "asked": wanted.query.get("q", "")[:_MOST_WORDS]})

    def _rendered(self, status: HTTPStatus, template: str, values: Mapping[str, object]) -> Reply:
        text = self._templates.get_template(template).render({"asked": "", "here": "", "now": self._now(), **values})
        return Reply(status, text.encode(errors="replace"), {"Content-Type": "text/html; charset=utf-8"})


def _line(status: HTTPStatus, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _network(chain: str) -> str:
    return _NETWORKS.get(chain, chain)


def _templates() -> Environment:
    # Everything is escaped: names of the templates do not matter, nor where a text comes from.
    found = Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for each in (words.age, words.bitcoin, words.machine_moment, words.moment, words.number, words.rate, words.size):
        found.filters[each.__name__] = each
    return found

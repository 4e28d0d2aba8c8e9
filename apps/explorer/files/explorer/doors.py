"""The ways to bitcoind and to the Electrum server."""

import base64
import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self

MOST_ANSWER = 64 << 20
"""Bytes. The largest transaction that a block can have takes about 24 MiB in bitcoind's words."""
_MOST_LINE = 4 << 20
"""Bytes: more than Electrum servers send."""
_TIMEOUT = 15.0
"""Seconds without a byte."""
_WARMING_UP = -28


class NodeAway(Exception):
    """bitcoind does not answer, or with nonsense; it says why."""


class NodeLoading(NodeAway):
    """bitcoind loads what is on its disk."""


class CallRefused(Exception):
    """bitcoind answered with an error; `code` is its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ElectrumAway(Exception):
    """The Electrum server does not answer, or refuses to; it says why."""


class Calls(Protocol):
    """Calls of bitcoind."""

    def call(self, method: str, *parameters: object) -> Any:
        """Return the result, in which numbers with a point are `Decimal`. Raises `NodeAway` and `CallRefused`."""


@dataclass(frozen=True, slots=True)
class NodeDoor:
    """The RPC port of bitcoind, and a login there."""

    host: str
    port: int
    user: str
    password: str

    def open(self) -> "NodeCalls":
        """Return a connection for the calls of one page."""
        return NodeCalls(self)


class NodeCalls:
    """One connection to bitcoind."""

    def __init__(self, door: NodeDoor) -> None:
        self._connection = http.client.HTTPConnection(door.host, door.port, timeout=_TIMEOUT)
        token = base64.b64encode(f"{door.user}:{door.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def call(self, method: str, *parameters: object) -> Any:
        """Return the result, in which numbers with a point are `Decimal`. Raises `NodeAway` and `CallRefused`."""
        request = {"jsonrpc": "1.0", "id": 0, "method": method, "params": list(parameters)}
        try:
            self._connection.request("POST", "/", json.dumps(request), self._headers)
            answer = self._connection.getresponse()
            body = answer.read(MOST_ANSWER + 1)
            if answer.status in (401, 403):
                raise NodeAway(f"it does not let this app call {method} (HTTP {answer.status})")
            if len(body) > MOST_ANSWER:
                self._connection.close()
                raise NodeAway(f"its answer to {method} has more than {MOST_ANSWER >> 20} MiB")
            said = json.loads(body, parse_float=Decimal)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NodeAway(str(error)) from error
        if not isinstance(said, dict):
            raise NodeAway(f"its answer to {method} is no object")
        problem = said.get("error")
        if isinstance(problem, dict):
            code, message = problem.get("code"), str(problem.get("message"))
            if code == _WARMING_UP:
                raise NodeLoading(message)
            raise CallRefused(code if isinstance(code, int) else 0, message)
        return said.get("result")


@dataclass(frozen=True, slots=True)
class ElectrumDoor:
    """The port of an Electrum server."""

    host: str
    port: int

    def ask(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Return the results of calls, in their order (Electrum protocol 1.4). Raises `ElectrumAway`."""
        found = []
        try:
            with socket.create_connection((self.host, self.port), timeout=_TIMEOUT) as connection:
                lines = connection.makefile("rb")
                for number, (method, parameters) in enumerate((("server.version", ["explorer", "1.4"]), *calls)):
                    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
                    connection.sendall(json.dumps(request).encode() + b"\n")
                    found.append(_result(lines.readline(_MOST_LINE), method))
        except (OSError, ValueError) as error:
            raise ElectrumAway(str(error)) from error
        return found[1:]


def _result(line: bytes, method: str) -> Any:
    if not line.endswith(b"\n"):
        raise ElectrumAway(f"it ends the connection at {method}, or says too much")
    said = json.loads(line)
    if not isinstance(said, dict):
        raise ElectrumAway(f"its answer to {method} is no object")
    problem = said.get("error")
    if problem is not None:
        raise ElectrumAway(str(problem.get("message") if isinstance(problem, dict) else problem))
    return said.get("result")

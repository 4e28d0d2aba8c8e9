"""Asks the node: over its unix socket when this user may, else over loopback."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from archipelago.cli.errors import CommandError, Exit, from_rpc

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

_ANSWER_TIMEOUT = 120.0
_DEFAULT_PORT = "8480"
_IN_NO_TOKEN = re.compile(r"[^\x21-\x7e]")


class Client:
    """Calls methods of the node; every failure is a `CommandError`."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket = environment.get("ARCHIPELAGO_SOCKET") or _default_socket(environment)
        self._token = _token(environment.get("ARCHIPELAGO_TOKEN") or "")
        self._port = environment.get("ARCHIPELAGO_PORT") or _DEFAULT_PORT
        if not self._port.isascii() or not self._port.isdigit() or not 1 <= int(self._port[:9]) <= 65535:
            raise CommandError(Exit.USAGE, "ARCHIPELAGO_PORT is not a port number", "use a number from 1 to 65535")

    def call(self, method: str, *, wait: float = _ANSWER_TIMEOUT, **params: Any) -> Any:
        """Return the result of a method; `wait` is the longest silence in seconds."""
        given = {name: value for name, value in params.items() if value is not None}
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        body = json.dumps(request, ensure_ascii=True).encode()
        from archipelago.cli.connection import failures_as_command_errors

        connection = self._connect()
        try:
            with failures_as_command_errors():
                response = self._send(connection, "POST", "/rpc/v1", body, wait)
                return _result(_json(response.read()))
        finally:
            connection.close()

    def follow_logs(self, app: str, *, container: str | None, tail: int) -> Iterator[dict[str, Any]]:
        """Yield log lines as they come."""
        from archipelago.cli.connection import failures_as_command_errors

        query = {"app": app, "tail": str(tail), "follow": "1"} | ({"container": container} if container else {})
        connection = self._connect()
        try:
            with failures_as_command_errors():
                response = self._send(connection, "GET", f"/logs?{urlencode(query)}", None, 60.0)
                if response.status != 200:
                    _result(_json(response.read()))
                while line := response.readline():
                    if not line.strip():
                        continue  # the node shows that it is there
                    value = _json(line)
                    if "error" in value:
                        raise from_rpc(value["error"])
                    yield value
        finally:
            connection.close()

    def door(self) -> tuple[str | None, str, dict[str, str]]:
        """Return how a WebSocket reaches the node: unix socket or None, base address, and headers."""
        from archipelago.cli.connection import UnixConnection

        connection = self._connect()
        connection.close()
        if isinstance(connection, UnixConnection):
            return self._socket, "http://localhost", {}
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return None, f"http://127.0.0.1:{self._port}", headers

    def _send(
        self, connection: "HTTPConnection", verb: str, path: str, body: bytes | None, wait: float
    ) -> "HTTPResponse":
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        connection.request(verb, path, body, headers)
        connection.sock.settimeout(wait)
        return connection.getresponse()

    def _connect(self) -> "HTTPConnection":
        from archipelago.cli.connection import connect

        # Whoever shows a token wants to be known by it, and the socket knows callers by their user.
        unix = None if self._token else self._socket
        try:
            return connect(unix, int(self._port))
        except OSError as error:
            raise CommandError(
                Exit.UNREACHABLE,
                f"no node answers on {self._socket} or http://127.0.0.1:{self._port}",
                "start it with 'make run', or set ARCHIPELAGO_SOCKET or ARCHIPELAGO_PORT to where it is",
            ) from error


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise _not_a_node() from error
    if not isinstance(value, dict):
        raise _not_a_node()
    return value


def _result(answer: Any) -> Any:
    if isinstance(answer.get("error"), dict):
        raise from_rpc(answer["error"])
    if "result" not in answer:
        raise _not_a_node()
    return answer["result"]


def _not_a_node() -> CommandError:
    hint = "another program may use the port; set ARCHIPELAGO_PORT to the node's"
    return CommandError(Exit.UNREACHABLE, "what answers is no Archipelago node", hint)


def _default_socket(environment: Mapping[str, str]) -> str:
    # Late: a command that is given the socket loads no part of a node.
    from archipelago.storage.layout import DEFAULT_ROOT, DEFAULT_RUNTIME, Layout

    return str(Layout(Path(DEFAULT_ROOT), Path(environment.get("ARCHIPELAGO_RUNTIME") or DEFAULT_RUNTIME)).socket)


def _token(text: str) -> str:
    """Return a token as it may stand in a header; whatever complains later would quote it."""
    if found := _IN_NO_TOKEN.search(text):
        raise CommandError(
            Exit.USAGE,
            f"ARCHIPELAGO_TOKEN has a character in place {found.start() + 1} that no token has",
            "set it to the token alone, without a space or the end of a line",
        )
    return text

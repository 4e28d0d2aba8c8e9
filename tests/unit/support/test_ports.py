"""Why a port of this host cannot be listened on: each reason by its name."""

import json
import os
import socket
import subprocess
import sys

import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.ports import first_port, require_free

_ASK = """
import asyncio, json, sys
from archipelago.errors import NodeError
from archipelago.support.ports import require_free
try:
    asyncio.run(require_free([int(sys.argv[1])]))
except NodeError as error:
    print(json.dumps([error.code, error.message, error.hint]))
"""
_NOBODY = 65534


async def test_a_port_that_another_program_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(NodeError, match=f"another program already listens on 127.0.0.1, port {port}") as caught:
            await require_free((port,))
        assert caught.value.code is ErrorCode.PORT_TAKEN
    await require_free((port,))


@pytest.mark.skipif(first_port() == 0, reason="on this host everybody may listen on every port")
def test_a_port_that_only_root_may_have() -> None:
    port = first_port() - 1
    child = subprocess.run(
        [sys.executable, "-c", _ASK, str(port)],
        capture_output=True,
        text=True,
        check=True,
        user=_NOBODY if os.geteuid() == 0 else None,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    code, message, hint = json.loads(child.stdout)
    assert code == ErrorCode.PORT_TAKEN
    assert message == f"only root may listen on port {port}, and the node is not root"
    assert f"use a port from {port + 1} on" in hint
    assert f"sysctl net.ipv4.ip_unprivileged_port_start={port}" in hint

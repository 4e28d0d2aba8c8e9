"""The sockets that the server listens on."""

import asyncio
import errno
import os
import socket
import stat
import struct
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

LOOPBACK = "127.0.0.1"
_BACKLOG = 512
_ANSWER_TIMEOUT = 2.0
_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid of a peer (unix(7), SO_PEERCRED)."""


def peer_uid(connection: socket.socket) -> int:
    """Return the user of this host who opened a connection to a unix socket, as the kernel says. Raises `OSError`."""
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)


def open_port(port: int) -> socket.socket:
    """Return a socket bound to a port of loopback (0: any); raises `NodeError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise port_unusable(port, LOOPBACK, error) from error
    listener.setblocking(False)
    return listener


def port_unusable(port: int, address: str, error: OSError) -> NodeError:
    """Return what to say of a port that cannot be listened on."""
    return NodeError(
        ErrorCode.PORT_TAKEN,
        msg(
            "port {port} of {address} cannot be used: {strerror}",
            port=port,
            address=address,
            strerror=os.strerror(error.errno or 0).lower(),
        ),
        hint=msg("another node may be running; set ARCHIPELAGO_PORT to a free port"),
        data={"port": port},
    )


async def open_unix(path: Path, mode: int = 0o666) -> socket.socket:
    """Return a unix socket on which by default anybody may call, for the kernel says who does (SO_PEERCRED).

    A file that nobody answers behind is replaced. Raises `NodeError`.
    """
    if await asyncio.to_thread(_is_socket, path):
        if await _answers(path):
            raise NodeError(
                ErrorCode.PORT_TAKEN,
                msg("another node answers on {path}", path=path),
                hint=msg("stop it, or set ARCHIPELAGO_RUNTIME and ARCHIPELAGO_PORT to values of this node's own"),
                data={"socket": str(path)},
            )
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return _bind_unix(path, mode)


def remove_unix(path: Path, listener: socket.socket, inode: int) -> None:
    """Remove the socket's file unless another node has put its own there."""
    listener.close()
    try:
        if path.lstat().st_ino == inode:
            path.unlink()
    except OSError:
        pass  # it is gone, or not ours to remove


def _bind_unix(path: Path, mode: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        # Not by umask, which all threads share: a file that another one makes meanwhile would be open to others.
        path.chmod(mode)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise NodeError(
            ErrorCode.PORT_TAKEN if error.errno == errno.EADDRINUSE else ErrorCode.INTERNAL,
            msg("{path} cannot be listened on: {reason}", path=path, reason=reason.lower()),
            hint=msg("set ARCHIPELAGO_RUNTIME to a directory with a short name that the node may write to"),
        ) from error
    listener.setblocking(False)
    return listener


def _is_socket(path: Path) -> bool:
    """Return whether there is a socket file; raises `NodeError` when there is another kind of file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{path} is in the way and no socket", path=path),
            hint=msg("look at it and move it: {path}", path=path),
        )
    return True


async def _answers(path: Path) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            _, writer = await asyncio.open_unix_connection(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except (OSError, TimeoutError):
        return True  # somebody is there, only busy, or not ours to ask
    writer.close()
    return True

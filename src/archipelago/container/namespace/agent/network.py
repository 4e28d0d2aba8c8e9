"""Requests about the network of a container, made from within its network namespace."""

import contextlib
import ctypes
import os
import socket
import threading
import time

from archipelago.container.namespace.agent.refused import Refused

_CLONE_NEWNET = 0x40000000
_MAX_BODY = 256 * 1024
_nft_turn = threading.Lock()


def connect(request: dict) -> socket.socket:  # type: ignore[type-arg]
    """Open a TCP connection to a container, from within its network namespace."""
    _enter_network(request)
    return socket.create_connection((request["host"], int(request["port"])), timeout=request["timeout"])


def check_port(request: dict) -> dict:  # type: ignore[type-arg]
    """Open a TCP connection to a container, and close it."""
    connect(request).close()
    return {}


def ask_http(request: dict) -> dict:  # type: ignore[type-arg]
    """Speak HTTP/1.0 (RFC 1945), which every server still answers and which ends with the connection."""
    deadline = time.monotonic() + request["timeout"]
    body = request.get("body", "").encode()
    headers = {"Host": f"{request['host']}:{request['port']}", "Connection": "close", **request.get("headers", {})}
    if body:
        headers["Content-Length"] = str(len(body))
    lines = [f"{request.get('method', 'GET')} {request['path']} HTTP/1.0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with connect(request) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        answer = b""
        while len(answer) < _MAX_BODY:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Refused("the answer is not HTTP")
    return {"status": int(words[1]), "body": content[:_MAX_BODY].decode("utf-8", "replace")}


def exchange(request: dict) -> dict:  # type: ignore[type-arg]
    """Send a text to a port and return what comes until the other side hangs up, as line protocols do after QUIT."""
    deadline = time.monotonic() + request["timeout"]
    with connect(request) as connection:
        connection.sendall(request["text"].encode())
        answer = b""
        while len(answer) < _MAX_BODY:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    return {"text": answer.decode("utf-8", "replace")}


def ask_name_server(request: dict) -> dict:  # type: ignore[type-arg]
    """Ask a name server for the IPv4 address of a name of one label (RFC 1035); any answer will do."""
    label = request["name"].encode("ascii")
    query = b"\x41\x50\x01\0\0\x01\0\0\0\0\0\0" + bytes([len(label)]) + label + b"\0\0\x01\0\x01"
    _enter_network(request)
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection, contextlib.suppress(OSError):
            connection.settimeout(request["timeout"] / 2)
            connection.connect((request["host"], int(request["port"])))
            connection.send(query)
            connection.recv(512)
            return {"answered": True}
    return {"answered": False}


def announce(request: dict) -> dict:  # type: ignore[type-arg]
    """Have all devices of a network namespace announce a new hardware address (arp_notify, ip-sysctl of Linux)."""
    _enter_network(request)
    # Below /proc/sys/net each thread finds the settings of the namespace that it is in.
    with open("/proc/sys/net/ipv4/conf/all/arp_notify", "w", encoding="ascii") as setting:
        setting.write("1")
    return {}


def load_firewall(request: dict) -> dict:  # type: ignore[type-arg]
    """Load rules into a network namespace; process 0 stands for a new one, which ends with the request."""
    if request["pid"]:
        _enter_network(request)
    else:
        _require(_libc().unshare(_CLONE_NEWNET))
    # The library rather than nft(8): half a millisecond instead of ten, in which the container waits.
    nft = ctypes.CDLL("libnftables.so.1")
    nft.nft_ctx_new.restype = ctypes.c_void_p
    nft.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    with _nft_turn:  # its parser is not made for threads
        context = ctypes.c_void_p(nft.nft_ctx_new(0))
        nft.nft_ctx_buffer_error(context)
        failed = nft.nft_run_cmd_from_buffer(context, request["rules"].encode())
        complaint = (nft.nft_ctx_get_error_buffer(context) or b"").decode("utf-8", "replace")
    # To close its socket, the kernel waits until all other processors have come to rest.
    threading.Thread(target=nft.nft_ctx_free, args=(context,), daemon=True).start()
    if failed:
        raise Refused(f"nft: {complaint.strip()[:1000]}")
    return {}


def _enter_network(request: dict) -> None:  # type: ignore[type-arg]
    with open(f"/proc/{int(request['pid'])}/ns/net", "rb") as namespace:
        _require(_libc().setns(namespace.fileno(), _CLONE_NEWNET))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _require(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

"""Reports when addresses of this host come or go, as a DHCP server has them do (rtnetlink(7)).

A message says only that something changed: whoever hears it looks for himself, so nothing in it has to be understood.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

import structlog

_IPV4_ADDRESSES, _IPV4_ROUTES = 0x10, 0x40
"""Groups RTMGRP_IPV4_IFADDR and RTMGRP_IPV4_ROUTE; a link that goes down takes its local routes alone."""
_CHUNK = 64 * 1024

Stop = Callable[[], None]


def watch_addresses(changed: Callable[[], None]) -> Stop:
    """Call `changed` on the running event loop at each change, until the returned function is called.

    Where the kernel offers no such messages it is never called; who needs to know must also look now and then.
    """
    try:
        messages = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError as error:
        structlog.get_logger("network").warning("changes of addresses are noticed late", error=str(error))
        return lambda: None
    try:
        messages.setblocking(False)
        messages.bind((0, _IPV4_ADDRESSES | _IPV4_ROUTES))
    except OSError as error:
        messages.close()
        structlog.get_logger("network").warning("changes of addresses are noticed late", error=str(error))
        return lambda: None
    loop = asyncio.get_running_loop()

    def heard() -> None:
        with contextlib.suppress(BlockingIOError):
            while _one_more(messages):
                pass
        changed()

    def stop() -> None:
        loop.remove_reader(messages)
        messages.close()

    loop.add_reader(messages, heard)
    return stop


def _one_more(messages: socket.socket) -> bool:
    """Take a message; raises `BlockingIOError` where there is none left."""
    try:
        return bool(messages.recv(_CHUNK))
    except OSError as error:
        if error.errno != errno.ENOBUFS:  # more came than the kernel keeps, which is a change as well
            raise
        return True

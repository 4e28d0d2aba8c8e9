"""Messages to the processes that render templates: whole ones arrive, however they are cut, and parts are none."""

import socket
from threading import Thread

import pytest

from archipelago.container.workload.templates.wire import receive, send

MESSAGE = {"source": "ß" * 200_000, "context": [1, None, True]}


def test_messages_come_one_by_one_however_long() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = Thread(target=lambda: [send(ours, each) for each in (MESSAGE, 5)])
        sender.start()
        assert [receive(theirs), receive(theirs)] == [MESSAGE, 5]
        sender.join()


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\5", b"\0\0\0\5[1,2"])
def test_a_message_that_was_cut_off_is_none(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(sent)
        assert receive(theirs) is None

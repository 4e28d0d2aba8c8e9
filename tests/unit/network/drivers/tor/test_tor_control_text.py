"""What is said to Tor's control port, and what it answers, cut anywhere."""

import pytest

from archipelago.network.drivers.tor.control_text import (
    ControlError,
    OnionCommand,
    circuits_of,
    conversation,
    detached,
    progress_of,
    replies,
)

A, B = "a" * 56, "b" * 56
SAID = (
    "250 OK\r\n"
    f"250+onions/detached=\r\n{A}\r\n{B}\r\n.\r\n250 OK\r\n"
    '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=45 TAG=requesting SUMMARY="Asking"\r\n250 OK\r\n'
    "552 Unknown Onion Service id\r\n"
    "250 closing connection\r\n"
)


def test_each_command_has_its_answer() -> None:
    there, boot, refused = replies(SAID, 3)
    assert detached(there) == {f"{A}.onion", f"{B}.onion"}
    assert progress_of(boot) == 45
    assert (refused.good, refused.lines) == (False, ("Unknown Onion Service id",))


def test_a_single_onion_or_none_is_read_as_well() -> None:
    (one,) = replies(f"250 OK\r\n250-onions/detached={A}\r\n250 OK\r\n250 closing connection\r\n", 1)
    assert detached(one) == {f"{A}.onion"}
    (none,) = replies("250 OK\r\n551 No onion services of the specified type.\r\n250 closing\r\n", 1)
    assert detached(none) == frozenset() and progress_of(none) is None


@pytest.mark.parametrize("end", range(0, SAID.index("552"), 7))
def test_an_answer_that_was_cut_is_never_taken_for_a_whole_one(end: int) -> None:
    with pytest.raises(ControlError):
        replies(SAID[:end], 3)


def test_a_wrong_cookie_is_told() -> None:
    with pytest.raises(ControlError, match="cookie"):
        replies("515 Authentication failed: Wrong length on authentication cookie.\r\n", 1)


def test_circuits_are_those_of_the_one_onion() -> None:
    lines = [
        f"7 BUILT $AB~a PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED REND_QUERY={A}",
        f"8 BUILT $AB~a PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED REND_QUERY={B}",
        "9 BUILT $AB~a PURPOSE=GENERAL",
    ]
    said = "250 OK\r\n250+circuit-status=\r\n" + "\r\n".join(lines) + "\r\n.\r\n250 OK\r\n250 closing\r\n"
    (found,) = replies(said, 1)
    assert circuits_of(found, f"{A}.onion") == ("7",)


def test_commands_are_lines_that_end_with_quit() -> None:
    command = OnionCommand("KEY==", 80, "/onions/1.sock", "CLIENT")
    text = conversation(b"\x01\x02", (command.text(proof_of_work=True),))
    assert text == (
        "AUTHENTICATE 0102\r\nADD_ONION ED25519-V3:KEY== Flags=Detach,V3Auth PoWDefensesEnabled=1 "
        "Port=80,unix:/onions/1.sock ClientAuthV3=CLIENT\r\nQUIT\r\n"
    )
    public = OnionCommand("KEY==", 50001, "/onions/1.sock", None).text(proof_of_work=False)
    assert public == "ADD_ONION ED25519-V3:KEY== Flags=Detach Port=50001,unix:/onions/1.sock"

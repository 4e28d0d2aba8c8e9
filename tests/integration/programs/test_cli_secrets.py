"""Secrets that are given to the command: none of them is quoted or cut."""

import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archipelago.security.keys.key_files import private_pem
from support.cli_node import CliNode

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"
LEAKS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (("list",), {"ARCHIPELAGO_TOKEN": f"{SECRET}\r"}),
    (("list",), {"ARCHIPELAGO_TOKEN": f"{SECRET}\n"}),
    (("logs", "knots", "-f"), {"ARCHIPELAGO_TOKEN": f"{SECRET} \u2026"}),
    (("list",), {"ARCHIPELAGO_TOKEN": SECRET}),
    (("list",), {"ARCHIPELAGO_PORT": SECRET}),
    (("doctor",), {"ARCHIPELAGO_PORT": SECRET}),
    (("config", "knots", "--set", SECRET), {}),
    (("config", "knots", "--set", f"=={SECRET}"), {}),
    (("install", "electrumx", "--choose", SECRET), {}),
    (("secret", "set", "knots", "name", SECRET), {}),
    (("password", "owner", SECRET), {}),
    (("list", f"--json={SECRET}"), {}),
    (("logs", "knots", "-n", SECRET), {}),
    (("exec", "--timeout", SECRET, "knots", "--", "x"), {}),
    (("token", "create", "name", "--may", SECRET), {}),
    (("token", "create", SECRET * 4, "--may", "read"), {}),
)
"""Command lines and variables in which a secret got where it makes no sense."""


def test_what_may_be_a_secret_is_never_quoted(node: CliNode) -> None:
    for arguments, more in LEAKS:
        done = node.run(*arguments, **more)
        said = done.stdout + done.stderr
        assert done.returncode in (2, 4), (arguments, said)
        assert SECRET not in said and SECRET[:12] not in said and "Traceback" not in said, (arguments, more)
        assert done.stderr.startswith("archipelago: ") and len(done.stderr.splitlines()) == 2, said


def test_a_mistake_of_the_command_itself_quotes_nothing(node: CliNode) -> None:
    program = (
        "import sys; from archipelago.cli import main, client;"
        f"client.Client._connect = lambda self: (_ for _ in ()).throw(ValueError('{SECRET}'));"
        "sys.exit(main.run(['list']))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=node.environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "ValueError" in done.stderr and SECRET not in done.stderr + done.stdout


PEM = private_pem(Ed25519PrivateKey.generate()).encode()
WHOLE = (
    (PEM, PEM),
    (PEM.replace(b"\n", b"\r\n"), PEM.replace(b"\n", b"\r\n")),
    (b"one\ntwo", b"one\ntwo"),
    (b"one\n\n", b"one\n\n"),
    (b"word\n", b"word"),
    (b"word\r\n", b"word"),
    (b"word", b"word"),
    (b" word \n", b" word "),
    ("pässwort\n".encode(), "pässwort".encode()),
    (b"x" * 4096, b"x" * 4096),
)
"""What comes from standard input, and the secret that it is."""


def test_a_secret_is_all_of_standard_input(node: CliNode) -> None:
    for given, kept in WHOLE:
        done = node.feed(given, "secret", "set", "knots", "probe", "--stdin")
        assert done.returncode == 0, done.stderr
        shown = node.feed(b"", "secret", "show", "knots", "probe").stdout
        assert shown == (kept if kept.endswith(b"\n") else kept + b"\n")


PARTS = (
    (b"", "secret set knots probe"),
    (b"x" * 16385, "secret set knots probe"),
    (b"\xff\xfeword\n", "secret set knots probe"),
    (b"first line\nsecond line\n", "password"),
    (b"", "password"),
    (b"x" * 100_000, "password"),
    (b"one passphrase\nand another\n", "key unlock"),
    (b"a passphrase\n\n\n", "key protect"),
)
"""What comes from standard input, and the command that it is too little or too much for."""


def test_what_is_not_all_of_a_secret_is_refused(node: CliNode) -> None:
    done = node.feed(b"x" * 4097, "secret", "set", "knots", "probe", "--stdin")
    assert done.returncode == 2 and b"VALUE: expected at most 4096 characters" in done.stderr
    for given, command in PARTS:
        done = node.feed(given, *command.split(), "--stdin")
        assert done.returncode == 2 and b"standard input" in done.stderr and b"nothing was changed" in done.stderr
        assert b"word" not in done.stderr.replace(b"Password", b"") and b"Traceback" not in done.stderr


def test_words_are_confirmed_by_three_of_them(node: CliNode) -> None:
    def confirm(given: bytes, name: str = "seed") -> tuple[int, str]:
        done = node.feed(given, "secret", "confirm", "knots", name, "--stdin")
        return done.returncode, (done.stdout + done.stderr).decode()

    def listed() -> str:
        return node.feed(b"", "secret", "list", "knots").stdout.decode()

    assert "24 words, NOT CONFIRMED" in listed()
    for given in (b"1 abandon\n2 abandon\n", b"1 abandon\n2 abandon\nabandon\n", b"1 abandon\n2 abandon\n3\n"):
        code, said = confirm(given)
        assert code == 2 and "nothing was changed" in said and "abandon" not in said
    code, said = confirm(b"1 abandon\n2 abandon\n24 zebra\n")
    assert code == 4 and "not the words" in said and "zebra" not in said
    assert confirm(b"1 abandon\n2 abandon\n3 abandon\n", name="probe")[0] == 4
    assert "24 words, NOT CONFIRMED" in listed()
    assert confirm(b"3 abandon\n7 abandon\n24 abandon\n")[0] == 0
    assert "24 words, confirmed" in listed()

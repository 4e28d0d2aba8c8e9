"""The command: `python3 -m meshtx send GATEWAY FILE …` on any machine with Python 3.11 and rns."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from meshtx.delivery import Delivery
from meshtx.frames import MOST_BYTES, Status

_SETTINGS = Path("/etc/mesh-gateway/settings.json")
_STATE = Path("/run/mesh/state")
_WORDS = {Status.ACCEPTED: "accepted", Status.KNOWN: "known", Status.REFUSED: "refused"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code: 0 where the node has all transactions, else 1; 2 for bad input."""
    given = _parser().parse_args(arguments)
    match given.what:
        case "gateway":
            from meshtx.serving import serve

            return serve(_SETTINGS, _STATE)
        case "address":
            return _address()
        case _:
            return _send(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="meshtx", description="Signed Bitcoin transactions over a mesh of radios.")
    commands = parser.add_subparsers(dest="what", required=True)
    send = commands.add_parser("send", help="send signed transactions to a gateway, and wait for its reports")
    send.add_argument("gateway", help="address of the gateway: 32 hexadecimal digits")
    send.add_argument(
        "files", nargs="+", help="files of a transaction in hexadecimal on each line; - for standard input"
    )
    send.add_argument("--config", type=Path, help="folder of the configuration of Reticulum (its own by default)")
    send.add_argument("--wait", type=float, default=8.0, help="seconds to wait for an answer before asking (8)")
    send.add_argument("--give-up", type=float, default=900.0, help="seconds for each transaction (900)")
    send.add_argument("--bit-rate", type=float, default=1e6, help="bit/s of the slowest radio on the way (1000000)")
    send.add_argument("--duty", type=float, default=100.0, help="percent of each hour in which to send (100)")
    send.add_argument("--at-once", type=int, default=16, help="transactions on their way at the same time (16)")
    commands.add_parser("gateway", help="run the gateway of an Archipelago node")
    commands.add_parser("address", help="print the address of the gateway")
    return parser


def _send(given: argparse.Namespace) -> int:
    from meshtx import over_reticulum
    from meshtx.airtime import Airtime
    from meshtx.sending import Sending

    try:
        transactions = _read(given.files)
        airtime = Airtime(given.bit_rate, given.duty / 100, overhead=over_reticulum.OVERHEAD)
        if min(given.wait, given.give_up, given.at_once) <= 0:
            raise ValueError("--wait, --give-up and --at-once have to be more than 0")
        airtime.wait(over_reticulum.LARGEST_FRAME, time.monotonic())
        over_reticulum.start(given.config)
        end = over_reticulum.SenderEnd(given.gateway, given.wait)
    except (OSError, ValueError) as error:
        print(f"meshtx: {error}", file=sys.stderr)
        return 2
    sending = Sending(end, airtime, over_reticulum.LARGEST_FRAME, given.wait, given.give_up, given.at_once)
    failed = 0

    def ended(delivery: Delivery) -> None:
        nonlocal failed
        report = delivery.report
        failed += report is None or report.status is Status.REFUSED
        print(_line(delivery), flush=True)

    sending.run(transactions, ended)
    end.close()
    print(f"{sending.frames} frames, {sending.octets} bytes sent", file=sys.stderr)
    return 1 if failed else 0


def _line(delivery: Delivery) -> str:
    """Return what became of a delivery: its name, a word, and the id or the reason."""
    report, name = delivery.report, delivery.name.hex()
    if report is None:
        waits = delivery.wait_report
        said = "nobody answered" if waits is None else "the gateway has it, and its node does not answer"
        return f"{name} unknown {said}; it may still be broadcast"
    return f"{name} {_WORDS[report.status]} {report.txid.hex() or report.reason}".rstrip()


def _read(files: Sequence[str]) -> list[bytes]:
    """Return the transactions of files. Raises `ValueError` or `OSError`, with words for who typed them."""
    found = []
    for file in files:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                transaction = bytes.fromhex(line.strip())
            except ValueError:
                raise ValueError(
                    f"{file}, line {number}: a signed transaction in hexadecimal digits is needed"
                ) from None
            if len(transaction) > MOST_BYTES:
                raise ValueError(f"{file}, line {number}: {len(transaction)} bytes; {MOST_BYTES} are the most")
            found.append(transaction)
    if not found:
        raise ValueError("there is no transaction in the files")
    return found


def _address() -> int:
    try:
        print(_STATE.read_text().splitlines()[1])
    except (OSError, IndexError):
        print("the gateway has not started yet", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

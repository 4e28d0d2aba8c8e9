"""Commands about the audit log: show, verify, export."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import clean, show_json, show_table
from archipelago.cli.output import show as show_text

_PAGE = 500


def show(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many of the newest to show.")] = 50,
    json: Json = False,
) -> None:
    """Show the newest audit entries: who, what, when, from where, result."""
    found = Client().call("audit-show", limit=limit)
    if json:
        show_json(found)
        return
    rows = []
    for entry in found:
        subject = ", ".join(f"{name}={value}" for name, value in entry["subject"].items())
        came = f"{entry['who']} ({entry['origin']})" if entry["origin"] else entry["who"]
        result = f"{entry['outcome']} {entry['detail']}".strip()
        rows.append((entry["sequence"], entry["at"][:19], came, entry["action"], subject, result))
    show_table(("NO", "AT", "WHO", "ACTION", "ON", "RESULT"), rows)


def verify(json: Json = False) -> int:
    """Check the log for changed, moved and missing entries; exit code 1 when there are any."""
    verdict = Client().call("audit-verify")
    if json:
        show_json(verdict)
    else:
        for fault in verdict["faults"]:
            entry = f", entry {fault['sequence']}" if fault["sequence"] is not None else ""
            show_text(f"line {fault['line']}{entry}: {fault['what']}")
        head = verdict["head"]
        if verdict["faults"]:
            show_text(f"The audit log is NOT whole: {len(verdict['faults'])} faults in {verdict['entries']} lines.")
        else:
            show_text(f"The audit log is whole: {verdict['entries']} entries. Its last hash is {head['hash']}")
    return Exit.FAILED if verdict["faults"] else Exit.OK


def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="File to create. Default: standard output.")
    ] = None,
) -> None:
    """Export the log with hashes and signatures, one JSON object per line."""
    client = Client()
    try:
        output = file.open("x", encoding="utf-8") if file is not None else sys.stdout
    except OSError as error:
        raise CommandError(Exit.FAILED, f"{file}: {error.strerror}", "name a new file in a folder of yours") from error
    after = 0
    while True:
        page = client.call("audit-export", after=after, limit=_PAGE)
        # What somebody wrote into the log by hand must not take over a terminal.
        output.writelines(f"{clean(line) if output.isatty() else line}\n" for line in page)
        after += len(page)
        if len(page) < _PAGE:
            break
    if file is not None:
        output.close()
        show_text(f"{after} entries are in {file}.")

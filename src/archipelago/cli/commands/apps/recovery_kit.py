"""The recovery kit as something to print. Pure."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.cli.output import line

_STYLE = (
    "body{font:11pt/1.5 sans-serif;max-width:45em;margin:2em auto;padding:0 1em}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.5em}"
    "pre,td{font-family:monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    "th{text-align:left;vertical-align:top;padding-right:1em;font-weight:normal}@page{margin:2cm}"
)


def as_text(kit: Mapping[str, Any], secrets: Mapping[str, str] | None) -> str:
    """Return it as plain text; `kit` is of `backup-kit`, `secrets` of `backup-kit-secrets`."""
    parts = []
    for heading, rows, lines in _sections(kit, secrets):
        width = max((len(name) for name, _ in rows), default=0)
        parts.append(f"{heading}\n{'-' * len(heading)}\n")
        parts.extend(f"{name:<{width}}  {value}\n" for name, value in rows)
        parts.append(("\n" if rows and lines else "") + "".join(f"{each}\n" for each in lines) + "\n")
    return f"{_title(kit)}\n{'=' * len(_title(kit))}\n\n{''.join(parts)}"


def as_html(kit: Mapping[str, Any], secrets: Mapping[str, str] | None) -> str:
    """Return it as a page that loads nothing from elsewhere."""
    parts = []
    for heading, rows, lines in _sections(kit, secrets):
        cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
        parts.append(f"<h2>{html.escape(heading)}</h2>" + (f"<table>{cells}</table>" if rows else ""))
        parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else "")
    title = html.escape(_title(kit))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{''.join(parts)}</html>\n"
    )


def _title(kit: Mapping[str, Any]) -> str:
    return f"Recovery kit of {line(kit['node'])}, {kit['at'][:10]}"


Section = tuple[str, list[tuple[str, str]], list[str]]
"""Heading, rows of a table, lines."""


def _sections(kit: Mapping[str, Any], secrets: Mapping[str, str] | None) -> Iterator[Section]:
    targets = kit["targets"]
    for each in targets:
        rows = [("Kind", each["kind"]), ("Place", each["place"])]
        rows += [("Login", each["user"])] if each["user"] else []
        rows += [("Repository", each["repository"]), ("Command", each["command"])]
        yield f"Backups: {line(each['name'])}", [(name, line(value)) for name, value in rows], []
    if not targets:
        yield "Backups", [], ["There is no target for backups yet."]
    yield "Recovery words", [], _words(secrets)
    steps = ["Get Archipelago, and start it without an app:", "", "make run ARCHIPELAGO_FIRST_APP=", ""]
    steps += ["In a second terminal:", ""]
    if any(each["kind"] == "folder" for each in targets):
        steps += ["sudo chown -R archipelago: FOLDER     (of a disk: it belongs to a user of the old machine)"]
    steps += ["archipelago key restore"]
    if targets:
        steps += [f"{line(targets[0]['command'])}{'     (or another one of the above)' * (len(targets) > 1)}"]
    steps += ["archipelago backup restore-all", "", f"Written by Archipelago {line(kit['version'])}."]
    yield "Get everything back on a new machine", [], steps
    password = ["The password is derived from the words; docs/backups.md of Archipelago says how."]
    if secrets is not None:
        password = [f"Password: {line(secrets['password'])}"]
    commands = ["restic -r REPOSITORY snapshots", "restic -r REPOSITORY restore latest --tag app=APP --target FOLDER"]
    yield "Without Archipelago, with restic alone", [], [*password, "", *commands]
    if any(each["kind"] == "sftp" for each in targets):
        yield "The node's key for machines reached over SSH", [], [line(kit["ssh_key"])]


def _words(secrets: Mapping[str, str] | None) -> list[str]:
    if secrets is None:
        return ["They are not on this page. Write them here by hand, or note where you keep them:", "", "_" * 60]
    words = secrets["words"].split()
    numbered = [f"{number:>2} {word:<10}" for number, word in enumerate(words, 1)]
    return [" ".join(numbered[start : start + 4]).rstrip() for start in range(0, len(words), 4)]

"""The command that shows and changes what an app may take of the host."""

from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.support.texts.sizes import read_size, size_words

_NO_DISK_LIMIT = "none"
_NAMES = ("memory", "cpu", "cpu-weight", "io-weight", "pids", "disk")

_Size = typer.Option(metavar="SIZE", help="Such as 2GiB.")
_Weight = typer.Option(metavar="1..10000", min=1, max=10_000)


def limits(
    app: Installed,
    memory: Annotated[str | None, _Size] = None,
    cpu: Annotated[float | None, typer.Option(metavar="CORES", help="Such as 0.5.")] = None,
    cpu_weight: Annotated[int | None, _Weight] = None,
    io_weight: Annotated[int | None, _Weight] = None,
    pids: Annotated[int | None, typer.Option(metavar="N", min=1, help="Processes and threads.")] = None,
    disk: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Beyond it the app is paused; 'none' for no limit.")
    ] = None,
    reset: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help="Take one back to what the app's manifest says.")
    ] = None,
    json: Json = False,
) -> None:
    """Show or change what an app may take of memory, processors and disk; nothing restarts."""
    if unknown := [each for each in reset or () if each not in _NAMES]:
        raise CommandError(Exit.USAGE, f"limits: {unknown[0]!r} is none of {', '.join(_NAMES)}")
    changes = {
        "memory": _bytes("--memory", memory),
        "cpu": cpu,
        "cpu_weight": cpu_weight,
        "io_weight": io_weight,
        "pids": pids,
        "disk": 0 if disk == _NO_DISK_LIMIT else _bytes("--disk", disk),
    }
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    if reset:
        given["reset"] = [each.replace("-", "_") for each in reset]
    client = Client()
    if given:
        client.call("container-limits", app=app, **given)
    found = client.call("system-resources")
    mine = next((each for each in found["apps"] if each["app"] == app), None)
    if mine is None:
        raise CommandError(Exit.USAGE, f"limits: {app!r} is not installed", "'archipelago list' shows what is")
    if json:
        show_json(mine)
        return
    _show(mine, found["not_enforced"])


def _show(app: dict[str, Any], not_enforced: list[str]) -> None:
    own = app["own"]
    rows = (
        ("memory", size_words(app["memory_limit"]), _size(app["memory_used"])),
        ("cpu", f"{app['cpu_limit']:g}", "-" if app["cpu_used"] is None else f"{app['cpu_used']:.2f}"),
        ("cpu-weight", str(app["cpu_weight"]), ""),
        ("io-weight", str(app["io_weight"]), ""),
        ("pids", str(app["pids_limit"]), ""),
        ("disk", _size(app["disk_limit"], "none"), _size(app["disk_used"])),
    )
    show_table(
        ("LIMIT", "AT MOST", "NOW", "SET BY"),
        [(*row, "you" if own[row[0].replace("-", "_")] is not None else "its manifest") for row in rows],
    )
    show(f"Of its memory, {size_words(app['memory_promised'])} stay with it while memory is short.")
    for each in not_enforced:
        show(f"Not enforced on this host: {line(each)}")


def _size(count: int | None, none: str = "-") -> str:
    return none if count is None else size_words(count)


def _bytes(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text) if text.isdecimal() else read_size(text)
    except ValueError as error:
        raise CommandError(Exit.USAGE, f"limits: {option}: {error}") from error

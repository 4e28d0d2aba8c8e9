"""Plans, apps and operations in words."""

import re
from typing import Any

from archipelago.cli.data_words import data_words, way_back_words
from archipelago.cli.output import clean, duration, line, show, show_facts, show_table
from archipelago.cli.progress import named
from archipelago.support.texts.sizes import size_words

_OWN_TIME = re.compile(r"\W?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d")


def log_line(found: dict[str, Any]) -> str:
    """Return a line of a log with its container, and with its time unless the program has written one itself."""
    text = line(found["text"])
    at = "" if _OWN_TIME.match(text) else f"{clean(found['at'] or '-')} "
    return f"{at}{clean(found['container'])} {text}"


def titled(app: dict[str, Any]) -> str:
    """Return how an app is called on a command line, with its name where that is another."""
    name, typed = str(app["name"]), str(app["app"])
    return typed if name == typed else f"{typed} ({name})"


def show_plan(plan: dict[str, Any]) -> None:
    """Print what would be done, and why."""
    for app in plan["apps"]:
        show(line(f"{app['action']:<8} {titled(app)} {app['version']}"))
        for reason in app["because"]:
            show(f"         {line(reason)}")
        if app["way_back"]:
            show(f"         {way_back_words(app['way_back'])}")
        show_notes(app["release_notes"])
    asks = plan["asks"]
    for fetch in asks["fetches"]:
        signed = "" if fetch["kind"] == "build" else ", signed" if fetch["signed"] else ", not signed"
        show(line(f"{fetch['kind']:<8} image of {fetch['app']}: {fetch['source']}{signed}"))
        if fetch.get("build"):
            show(f"         {line(_build_words(fetch['build']))}")
    show_facts(
        (
            ("disk", size_words(asks["disk"]) if asks["disk"] else ""),
            ("data", "; ".join(f"{app}: {data_words(volumes)}" for app, volumes in asks["data"].items())),
            ("memory", f"up to {size_words(asks['memory'])}" if asks["memory"] else ""),
            ("ports", ", ".join(f"{name} {port}" for name, port in plan["ports"].items())),
            ("network", ", ".join(f"{app}: {egress}" for app, egress in asks["egress"].items())),
            ("rights", ", ".join(f"{app}: {' '.join(names)}" for app, names in asks["capabilities"].items())),
            ("devices", ", ".join(f"{app}: {' '.join(names)}" for app, names in asks["devices"].items())),
        )
    )
    for app, rating in asks["ratings"].items():
        _show_rating(f"security of {app}", rating)
    for interface, apps in plan["alternatives"].items():
        show(line(f"{interface} could also come from {', '.join(apps)} (--choose {interface}=APP)"))
    for warning in plan["warnings"]:
        show(f"warning: {line(warning)}")
    if plan["interrupts"]:
        show(f"these keep running, but cannot use it in the meantime: {line(', '.join(plan['interrupts']))}")
    for obstacle in plan["obstacles"]:
        show(f"in the way: {line(obstacle)}")


def show_notes(text: str | None) -> None:
    """Print what is new in a version, as its author says; nothing where he does not."""
    if text:
        show("         what is new:")
    for each in (text or "").strip().splitlines():
        show(f"           {clean(each)}".rstrip())


_SOURCES = {
    "debian": "packages signed by Debian",
    "pypi": "Python packages",
    "registry": "another image",
    "folder": "files of the app's folder",
}
_CODE = {"commands": "commands of the app's author", "python": "what builds Python packages"}


def _build_words(build: dict[str, Any]) -> str:
    """Say what building an image executes, and what it is made of."""
    parts = [
        f"{_SOURCES[source['kind']]} ({'pinned' if source['pinned'] else 'the newest'})" for source in build["sources"]
    ]
    code = " and ".join(_CODE[each] for each in build["executes"])
    executed = f"runs {code}, confined and without a network" if code else "nothing of it is executed meanwhile"
    return f"made of {', '.join(parts)}; {executed}"


def show_apps(apps: list[dict[str, Any]]) -> None:
    """Print a line about each installed app."""
    if not apps:
        show("nothing is installed; 'archipelago catalog' shows what can be")
        return
    show_table(
        ("APP", "VERSION", "STATE", "", "ADDRESS"),
        (
            (
                app["app"],
                app["version"],
                state_words(app["state"], app["percent"]),
                app["reason"],
                " ".join(map(address_words, app["endpoints"])),
            )
            for app in apps
        ),
    )


def address_words(endpoint: dict[str, Any]) -> str:
    """Return where an endpoint is reached on this host: a page by the name that is its own."""
    return str((endpoint["kind"] == "ui" and endpoint["site"]) or endpoint["address"])


def show_status(status: dict[str, Any]) -> None:
    """Print everything about an app."""
    health, chain = status["health"], status["chain"]
    show(line(f"{titled(status)} {status['version']}: {status['summary']}"))
    show_facts(
        (
            ("state", health["state"]),
            ("reason", health["reason"]),
            ("wanted", status["desired"]),
            ("chain", chain and _chain_words(chain)),
            ("restarts", health["restarts"] or ""),
            ("retry at", health["retry_at"]),
            ("update to", status["update_to"]),
            ("updates", automatic_words(status["automatic"])),
            ("operation", status["operation"]),
            ("uses", ", ".join(f"{each['app']} ({each['interface']})" for each in status["uses"])),
            ("used by", ", ".join(status["used_by"])),
        )
    )
    for endpoint in status["endpoints"]:
        show(line(f"{endpoint['kind']:<9} {address_words(endpoint)} {endpoint['label'] or ''} ({endpoint['name']})"))
        if endpoint["behind_login"]:
            show(line(f"{'':<9} behind the node's login: it has none of its own"))
        ways = filter(None, (endpoint["local_site"], *endpoint["local_addresses"]))
        where = " ".join(ways) or "nowhere yet, since the node listens on this host only"
        if endpoint["open"]:
            show(line(f"{'':<9} open to the local network: {where}"))
    for each in status["containers"]:
        limits = each["limits"]
        bounds = f"{size_words(limits['memory'])}, {limits['cpu']:g} cpu, {limits['pids']} processes"
        show(line(f"container {each['name']}: {each['health']['state']}, {each['image']}, at most {bounds}"))
    _show_rating("security", status["rating"])
    for text in status["not_enforced"]:
        show(f"not enforced: {line(text)}")
    for each in status["repairs"]:
        if each["suggested"]:
            show(line(f"may help: {each['label']} ('archipelago repair {status['app']} {each['repair']}')"))
    if failure := health["failure"]:
        show(line(f"last failure {failure['at']}: {failure['reason']}"))
        for text in failure["logs"]:
            show(f"  {line(text)}")


def automatic_words(found: dict[str, Any]) -> str:
    """Say whether updates of an app are installed by themselves."""
    if not found["on"]:
        return "installed when you say so"
    hours = f"between {found['from_hour']}:00 and {found['to_hour']}:00"
    why = f"; not the one of now: {found['obstacle']}" if found["obstacle"] else ""
    return f"installed by themselves, {hours}{why}"


def _show_rating(name: str, rating: dict[str, Any]) -> None:
    show(line(f"{name}: {rating['score']} of 8"))
    for reason in rating["lines"]:
        show(line(f"  {reason['points'] or '':>2}  {reason['what']}"))


def show_catalog(entries: list[dict[str, Any]]) -> None:
    """Print the apps that can be installed."""
    show_table(
        ("APP", "VERSION", "INSTALLED", "SECURITY", "SUMMARY"),
        (
            (
                each["app"],
                each["version"],
                each["installed"] or "-",
                f"{each['rating']['score']} of 8" if each["rating"] else "-",
                each["problem"] or each["summary"],
            )
            for each in entries
        ),
    )


def show_operations(operations: list[dict[str, Any]]) -> None:
    """Print a line about each operation."""
    show_table(
        ("ID", "WHEN", "WHAT", "APP", "STATE", "%"),
        (
            (each["id"], each["created_at"], each["kind"], each["app"], each["state"], f"{each['percent']:.0f}")
            for each in operations
        ),
    )


def show_operation(operation: dict[str, Any]) -> None:
    """Print an operation with its steps."""
    show(line(f"{named(operation)}: {operation['state']}, {operation['percent']:.0f} %"))
    for step in operation["steps"]:
        percent = "" if step["percent"] is None else f"{step['percent']:3.0f} %"
        show(line(f"  {step['state']:<9} {percent:<5} {step['name']} {step['detail']}"))
    if error := operation["error"]:
        show(f"{clean(error['message'])}\n{clean(error['hint'])}".rstrip())


def show_findings(findings: list[dict[str, Any]]) -> None:
    """Print what the doctor found."""
    for each in findings:
        show(line(f"{each['severity']:<8} {each['check']}: {each['what']}"))
        if each["severity"] != "ok":
            for name, text in (("why", each["why"]), ("fix", each["mend"])):
                if text:
                    show(f"         {name}: {line(text)}")


def state_words(state: str, percent: float | None) -> str:
    """Return a state with its progress."""
    return state if percent is None else f"{state} {percent:.1f} %"


def _chain_words(chain: dict[str, Any]) -> str:
    """Return how far a chain is, with the estimate of the time left where there is one."""
    text = f"{chain['chain']}, block {chain['height']} of {chain['headers']} ({chain['percent']} %)"
    left = chain["seconds_left"]
    return text if left is None else f"{text}, about {duration(left)} left"

"""A catalog of tiny apps, for what real apps cannot be asked to do: crash, hang, cling to a port."""

from pathlib import Path

_MANIFEST = """manifest: 1
id: {app}
name: {app}
version: {version}
summary: A test
description: A test
category: other
license: MIT
containers:
  main:
    build: {{type: packages, packages: [{packages}]}}
    entrypoint: [/usr/bin/busybox]
    command: {command}
    init: true
    stop: {{grace: {grace}}}
    {health}
{more}
"""
SERVE = '[httpd, -f, -p, "8000", -h, /]'
TCP = "health: {probe: {type: tcp, port: 8000}, interval: 1s, start_timeout: 5s}"
PATIENT = "health: {probe: {type: tcp, port: 8000}, interval: 1s, start_timeout: 100s}"
"""For what has to come up in the end, however slow the machine is; with `TCP` it may fail before it has begun."""
ALIVE = 'health: {probe: {type: exec, command: [/usr/bin/busybox, "true"]}, interval: 60s}'
"""For what has no port: it is healthy as soon as it runs, and not only after ten seconds, as without a probe."""


def write_app(
    folder: Path,
    app: str,
    *,
    command: str = SERVE,
    health: str = PATIENT,
    more: str = "",
    packages: str = "busybox-static",
    version: str = "1.0",
    grace: str = "2s",
) -> None:
    """Write one app; `command` and `health` are YAML, `more` is added at the end."""
    (folder / app).mkdir(parents=True, exist_ok=True)
    text = _MANIFEST.format(
        app=app, command=command, health=health, more=more, packages=packages, version=version, grace=grace
    )
    (folder / app / "manifest.yml").write_text(text)

"""Apps that stop: in one way whatever is the reason, with what stops along named before, and nothing left behind."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import APPS_AT, RpcError, TestNode, free_port, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.waits]

# Says when it is asked to end, and takes its time, or does not hear.
_SCRIPT = (
    "say() { read at rest < /proc/uptime; echo $1 $2 $at >> /data/log; }; "
    "trap 'asked=1; say NAME HUP; WAY' HUP; trap 'say NAME TERM; exit 0' TERM; "
    'while :; do /usr/bin/busybox sleep 0.05; [ -z "$asked" ] || say NAME ALIVE; done'
)
_PAIR = """manifest: 1
id: {app}
name: {app}
version: "{version}"
summary: A test
description: A test
category: other
license: MIT
options: {{n: {{type: int, label: N, default: 1}}}}
volumes: {{data: {{data: files}}}}
containers:
  {web}:
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: [/usr/bin/busybox]
    command: [sh, -c, {web_script}]
    environment: {{N: "{{{{ options.n }}}}"}}
    mounts: [{{volume: data, path: /data}}]
    stop: {{signal: SIGHUP, grace: 2s}}
    health: {{probe: {{type: exec, command: [/usr/bin/busybox, "true"]}}, interval: 1s}}
    after: [db]
  db:
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: [/usr/bin/busybox]
    command: [sh, -c, {db_script}]
    environment: {{N: "{{{{ options.n }}}}"}}
    mounts: [{{volume: data, path: /data}}]
    stop: {{signal: SIGHUP, grace: {grace}}}
    health: {{probe: {{type: exec, command: [/usr/bin/busybox, "true"]}}, interval: 1s}}
"""


def write_pair(folder: Path, app: str, *, version: str = "1.0", web: str = "web", grace: str = "20s") -> None:
    """Write an app whose web server is deaf and whose database takes its time."""

    def script(name: str, way: str) -> str:
        return json.dumps(_SCRIPT.replace("NAME", name).replace("WAY", way))

    (folder / app).mkdir(exist_ok=True)
    text = _PAIR.format(
        app=app,
        version=version,
        web=web,
        grace=grace,
        web_script=script("web", ":"),
        db_script=script("db", "/usr/bin/busybox sleep 0.5; exit 0"),
    )
    (folder / app / "manifest.yml").write_text(text)


_PROVIDER = """options: {n: {type: int, label: N, default: 1}}
provides: {word: {container: main, port: 8000, exports: {n: "{{ options.n }}"}}}
"""
_CONSUMER = """requires: {word: {}}
"""
_DEAF_AT_FIVE = (
    '[sh, -c, "[ {{ requires.word.exports.n }} = 5 ] && exec /usr/bin/busybox sleep 100000; '
    'exec /usr/bin/busybox httpd -f -p 8000 -h /"]'
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with a provider, two consumers, one that has nothing to do with it, and pairs of containers."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    write_app(catalog, "provider", more=_PROVIDER)
    write_app(catalog, "reader", command=_DEAF_AT_FIVE, more=_CONSUMER)
    write_app(catalog, "user", more=_CONSUMER)
    write_app(catalog, "other")
    for app in ("pair", "orphan"):
        write_pair(catalog, app)
    async with running_node("stop", apps=catalog) as running:
        yield running


def said(node: TestNode, app: str) -> list[tuple[str, str, float]]:
    """Return what the containers of a pair wrote when they were asked to end, and have it forgotten."""
    path = str(node.root / "apps" / app / "volumes" / "data" / "log")
    lines = [line.split() for line in podman("unshare", "cat", path).splitlines()]
    podman("unshare", "rm", path)
    return [(name, sign, float(at)) for name, sign, at in lines]


def require_order(node: TestNode, app: str) -> None:
    """The web server had its two seconds before the database heard, and both heard the signal of their own.

    How long the server went on is what it wrote itself: Podman may take any time to clean up after it.
    """
    (web, first, heard), *going, (db, second, later) = said(node, app)
    assert (web, first, db, second) == ("web", "HUP", "db", "HUP")
    assert {each[:2] for each in going} == {("web", "ALIVE")}
    assert heard + 1.8 < later and going[-1][2] - heard < 8


async def test_each_way_down_is_the_same(node: TestNode) -> None:
    await node.install("pair")
    assert node.apps is not None
    began = time.monotonic()
    await node.done(await node.call("container-stop", app="pair"))
    require_order(node, "pair")
    await node.done(await node.call("container-start", app="pair"))
    await node.done(await node.call("container-restart", app="pair"))
    require_order(node, "pair")
    await node.done(await node.call("container-config", app="pair", options={"n": 2}))
    require_order(node, "pair")
    # The new version knows no container of this name, and would give the database less time.
    write_pair(node.apps, "pair", version="2.0", web="site", grace="1s")
    await node.done(await node.call("container-update", app="pair"))
    require_order(node, "pair")
    await node.done(await node.call("container-remove", app="pair"))
    require_order(node, "pair")
    assert time.monotonic() - began < 600, "no container was given ten minutes"


async def test_what_the_node_does_not_know_any_more_stops_as_it_was_started(node: TestNode) -> None:
    await node.install("orphan")
    node.kill()
    with contextlib.closing(sqlite3.connect(node.root / "state.db")) as database, database:
        database.execute("DELETE FROM apps WHERE app = 'orphan'")
    await node.start()
    async with asyncio.timeout(200):
        while podman("ps", "-aq", "--filter", "label=io.archipelago.app=orphan"):
            await asyncio.sleep(0.1)  # nobody is told of what is not installed
    require_order(node, "orphan")


async def test_what_a_change_does_to_others_is_known_before(node: TestNode) -> None:
    await family(node)
    preview = await node.call("change-preview", app="provider", change="stop")
    assert (sorted(preview["stops"]), preview["interrupts"]) == (["reader", "user"], [])
    preview = await node.call("change-preview", app="provider", change="restart")
    assert (preview["stops"], preview["interrupts"]) == ([], ["reader", "user"])
    with pytest.raises(RpcError, match="user would now be stopped, restarted or installed as well"):
        await node.call("container-stop", app="provider", agreed=["reader"])

    plan = await node.call("plan", app="provider", options={"n": 2})
    actions = {each["app"]: each["action"] for each in plan["apps"]}
    assert actions == {"provider": "restart", "reader": "restart"}, "the exact ones, and no unrelated app"
    assert plan["interrupts"] == ["user"]
    with pytest.raises(RpcError, match="reader would now be stopped, restarted or installed as well"):
        await node.call("container-config", app="provider", options={"n": 2}, agreed=["provider"])
    # With this one the reader does not answer, so that the change goes on until it is cancelled.
    operation = await node.call("container-config", app="provider", options={"n": 5}, agreed=["provider", "reader"])
    with pytest.raises(RpcError, match="still working on reader"):
        await node.call("container-stop", app="reader")
    await node.call("operation-cancel", id=operation["id"])
    assert (await node.ended(operation))["state"] == "cancelled"
    changed = await node.call("container-config", app="provider", options={"n": 2}, agreed=["provider", "reader"])
    await node.done(changed)


async def test_an_operation_that_goes_on_after_a_crash_holds_what_it_works_on(node: TestNode) -> None:
    await family(node)
    operation = await node.call("container-config", app="provider", options={"n": 5})
    await node.until("reader", "starting")
    node.kill()
    await node.start()
    for app in ("provider", "reader"):
        with pytest.raises(RpcError, match=f"configure of provider is still working on {app}"):
            await node.call("container-stop", app=app)
    await node.done(await node.call("container-stop", app="other"))
    await node.call("operation-cancel", id=operation["id"])
    assert (await node.ended(operation))["state"] == "cancelled"
    await node.until("reader", "healthy")


async def test_an_update_that_a_crash_cut_off_goes_on(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "updated")
    await node.install("updated")
    slow = '[sh, -c, "/usr/bin/busybox sleep 4; exec /usr/bin/busybox httpd -f -p 8000 -h /"]'
    write_app(node.apps, "updated", version="2.0", command=slow)
    operation = await node.call("container-update", app="updated")
    async with asyncio.timeout(200):
        while (await node.call("container-status", app="updated"))["version"] != "2.0":
            await asyncio.sleep(0.02)
    node.kill()
    await node.start()
    assert (await node.ended(operation))["state"] == "done"
    assert (await node.call("container-health", app="updated"))["state"] == "healthy"


async def test_nothing_is_installed_but_what_was_agreed_to(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "agreed")
    plan = await node.call("plan", app="agreed")
    write_app(node.apps, "agreed", more="egress: lan")
    with pytest.raises(RpcError, match="the plan is another one by now"):
        await node.call("container-install", app="agreed", plan=plan["digest"])
    await node.install("agreed", plan=(await node.call("plan", app="agreed"))["digest"])


async def ready(node: TestNode, app: str) -> None:
    """Return once an app runs, whatever other tests did with it."""
    if app not in {each["app"] for each in await node.call("container-list")}:
        await node.install(app)
    await node.done(await node.call("container-start", app=app))
    await node.until(app, "healthy")


async def family(node: TestNode) -> None:
    """Have a provider with two consumers, and one that has nothing to do with them."""
    for app in ("provider", "reader", "user", "other"):
        await ready(node, app)


async def run(node: TestNode, *words: str, given: bytes = b"") -> tuple[int, str, str]:
    """Run the command where nobody can be asked; return its exit code and what it said."""
    done = await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, "-m", "archipelago.cli", *words],
            env={**node.full_environment(), "ARCHIPELAGO_SOCKET": str(node.socket)},
            input=given,
            capture_output=True,
            timeout=300,
        )
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_the_command_stops_others_only_where_somebody_agreed(node: TestNode) -> None:
    await family(node)
    code, _, complaint = await run(node, "stop", "provider")
    assert code == 2 and "reader" in complaint and "--yes" in complaint
    assert (await node.call("container-status", app="reader"))["desired"] == "running"
    code, _, complaint = await run(node, "stop", "other")
    assert (code, "as well" in complaint) == (0, False), "nobody is asked where no other app is touched"
    code, _, complaint = await run(node, "config", "provider", "--set", "n=3")
    assert code == 2 and "reader" in complaint
    code, _, complaint = await run(node, "stop", "provider", "--yes")
    assert code == 0 and "These stop as well" in complaint, complaint
    await node.done(await node.call("container-start", app="provider"))


async def test_a_taken_port_is_shown_before_the_yes(node: TestNode) -> None:
    assert node.apps is not None
    port = free_port()
    endpoint = f"container: main, port: 8000, host_port: {port}, kind: ui, protocol: http, login: own, access: [host]"
    more = f"endpoints: {{web: {{{endpoint}}}}}"
    write_app(node.apps, "late", more=more)
    server = await asyncio.start_server(lambda *_: None, APPS_AT, port)
    async with server:
        plan = await node.call("plan", app="late")
        assert str(port) in plan["obstacles"][0]
        code, output, complaint = await run(node, "install", "late")
        assert code == 4 and str(port) in complaint and "Install this?" not in output
    assert (await node.call("plan", app="late"))["obstacles"] == []


async def test_a_probe_that_runs_over_leaves_nothing_behind(node: TestNode) -> None:
    assert node.apps is not None
    busybox = "/usr/bin/busybox"
    command = f'[{busybox}, sh, -c, "{busybox} setsid {busybox} sleep 5501 & {busybox} sleep 5502"]'
    health = f"health: {{probe: {{type: exec, command: {command}}}, interval: 1s, timeout: 2s, start_timeout: 600s}}"
    write_app(node.apps, "probed", health=health)
    operation = await node.call("container-install", app="probed")
    await node.until_installed("probed")
    async with asyncio.timeout(200):
        while (await node.call("container-status", app="probed"))["containers"][0]["state"] != "running":
            await asyncio.sleep(0.1)
        last: set[str] = set()
        begun = 0
        while begun < 3:  # several probes begin and run over
            listed = podman("top", "archipelago-probed--main", "pid", "args")
            found = {line.split()[0] for line in listed.splitlines() if "sleep 550" in line}
            assert len(found) <= 2, "those of one probe at a time"
            if found:
                begun += found.isdisjoint(last)
                last |= found
            await asyncio.sleep(0.1)
    await node.call("operation-cancel", id=operation["id"])


async def test_a_command_is_typed_to(node: TestNode) -> None:
    await ready(node, "other")
    shell = ("--", "/usr/bin/busybox", "sh", "-c")
    given = bytes(range(256)) * 4000
    code, output, complaint = await run(
        node, "exec", "-i", "other", *shell, "/usr/bin/busybox md5sum; echo err >&2; exit 7", given=given
    )
    assert (code, output.split()[0], complaint) == (7, hashlib.md5(given).hexdigest(), "err\n")
    assert (await run(node, "exec", "-i", "other", *shell, "exit 0"))[0] == 0
    code, _, complaint = await run(node, "exec", "-it", "other", *shell, "exit 0")
    assert code == 2 and "-t needs a terminal" in complaint
    code, _, complaint = await run(node, "exec", "-i", "nobody", "--", "cat")
    assert code == 3, complaint
    code, _, complaint = await run(node, "exec", "-i", "--timeout", "1", "other", *shell, "/usr/bin/busybox sleep 4401")
    assert code == 1 and "did not end within 1 s" in complaint
    async with asyncio.timeout(100):
        while "sleep 4401" in podman("top", "archipelago-other--main", "args"):
            await asyncio.sleep(0.1)  # the node notices that the command hung up
    entries = [each for each in await node.call("audit-show", limit=50) if each["action"] == "container-exec"]
    assert {each["outcome"] for each in entries} >= {"begun", "done", "refused"}


class Screen:
    """The command at a terminal of its own."""

    def __init__(self, node: TestNode, *words: str) -> None:
        environment = {**node.full_environment(), "ARCHIPELAGO_SOCKET": str(node.socket), "TERM": "xterm"}
        command = [sys.executable, "-m", "archipelago.cli", *words]
        # Other threads run: between fork and exec, the child may take no lock that one of them has.
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment)
        self.shown = b""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    def until(self, wanted: bytes) -> None:
        """Return once something is shown that was not before."""
        self.shown = b""
        while wanted not in self.shown:
            assert select.select([self.terminal], [], [], 100)[0], self.shown
            self.shown += os.read(self.terminal, 65536)

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.terminal)[3] & termios.ECHO

    def end(self) -> int:
        """Return the exit code, as a shell would say it."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return code if code >= 0 else 128 - code


async def test_a_terminal_is_lent_and_given_back(node: TestNode) -> None:
    await ready(node, "other")
    shell = ("exec", "-it", "other", "--", "/usr/bin/busybox", "sh")

    def converse(leave: Callable[[Screen], None]) -> tuple[int, bool]:
        screen = Screen(node, *shell)
        # Kept open by the test: what the command leaves of it can be looked at when it has ended.
        screen.resize(91, 31)
        screen.type(b"echo $((40+2))_is_it\r")
        screen.until(b"42_is_it")
        assert screen.is_raw
        screen.resize(64, 20)
        # The new size comes there in its own time.
        sized = b"until [ \"$(/usr/bin/busybox stty size)\" = '20 64' ]; do /usr/bin/busybox sleep 0.1; done"
        screen.type(sized + b"; echo re$((1+1))sized\r")
        screen.until(b"re2sized")
        leave(screen)
        return screen.end(), screen.is_raw

    for leave, code in (
        (lambda screen: screen.type(b"exit 5\r"), 5),
        (lambda screen: os.kill(screen.pid, signal.SIGTERM), 128 + signal.SIGTERM),
        (lambda screen: os.kill(screen.pid, signal.SIGHUP), 128 + signal.SIGHUP),
        (lambda screen: podman("kill", "archipelago-other--main"), 137),
    ):
        assert await asyncio.to_thread(converse, leave) == (code, False)
        await node.until("other", "healthy")

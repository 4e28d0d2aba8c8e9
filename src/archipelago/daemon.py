"""The `archipelago` daemon: runs a node in the foreground until it is asked to stop."""

import argparse
import asyncio
import contextlib
import gc
import mimetypes
import os
import signal
import sys

from archipelago.support.connections.system_certificates import certificates_unread
from archipelago.support.plugins import plugins_unloaded

if __name__ == "__main__":
    # Imports create objects that stay, and hardly any garbage: looking for it takes a fifth of the start.
    gc.disable()
    # structlog would load two: one for tracebacks in colour, the other for threads that nobody here has. The third is
    # what makes lists of callbacks of aiohttp faster, by the whole library of C++; without it, Python does the same.
    sys.modules |= dict.fromkeys(("rich", "greenlet", "frozenlist._frozenlist"))  # type: ignore[arg-type]
    # Nobody guesses the type of a file, and the system's list of types takes half a megabyte.
    mimetypes.knownfiles.clear()
    # Certificates are twice 1 MB, for contexts that aiohttp makes and no client of the node uses.
    with certificates_unread(), plugins_unloaded():
        import archipelago.rpc.server.server  # noqa: F401 - imports aiohttp and pydantic

import structlog

from archipelago import __version__
from archipelago.api.services.apps import AppChangeService, AppReportService, OperationService
from archipelago.api.system import PowerAction
from archipelago.config import NodeConfig, system_config
from archipelago.container.namespace.client import rename_in_namespace
from archipelago.container.podman_client.errors import PodmanError
from archipelago.daemon_log import on_loop_error, redact_log, set_up_log
from archipelago.errors import NodeError
from archipelago.network.app_entry import AppEntry
from archipelago.network.drivers.caddy.caddy_process import guard_socket
from archipelago.node.locked import LockedNode, unlock_from_file
from archipelago.node.node import Node
from archipelago.node.power import EXIT_CODES, Power
from archipelago.rpc.methods.table import locked_methods
from archipelago.rpc.server.guard_socket import GuardSocket
from archipelago.rpc.server.server import RpcServer
from archipelago.security.keys.node_key import KeyState, NodeKey
from archipelago.security.login.login import Login
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.proxy_passwords import proxy_passwords
from archipelago.storage.file_modes import make_folders, repair
from archipelago.storage.layout import Layout
from archipelago.storage.layout_migration import left_behind, migrate
from archipelago.storage.lock import RootLock
from archipelago.storage.lost_state import refuse_lost_database
from archipelago.storage.records.operations import OperationState
from archipelago.support.connections.descriptors import raise_limit
from archipelago.support.lasting_stream import outlive_readers
from archipelago.support.ports import require_free
from archipelago.support.private_files import reported

_SECOND_SIGNAL = 130
_UMASK = 0o077
"""Nobody else reads what the node writes; what others must reach gets its mode by name."""


def main() -> None:
    """Run the daemon; ends with exit code 0 after an orderly stop."""
    gc.collect()  # of classes with slots, dataclasses makes two each: the first ones are half a megabyte
    gc.freeze()
    gc.enable()
    arguments = _parse()
    os.umask(_UMASK)
    outlive_readers()
    set_up_log(verbose=arguments.verbose)
    raise_limit()
    try:
        config = system_config()
        ending = asyncio.run(_serve(config, arguments.first_install, dict(arguments.set)))
    except (NodeError, PodmanError) as error:
        print(f"archipelago: {error}", file=sys.stderr)
        sys.exit(1)
    if ending is PowerAction.RESTART:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very command
    sys.exit(EXIT_CODES.get(ending, 0) if ending is not None else 0)


async def _serve(config: NodeConfig, first_install: str | None, options: dict[str, str]) -> PowerAction | None:
    power = Power(obeyed=config.power)
    stopping = power.asked
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_loop_error)
    insistence = 0

    def told_to_stop() -> None:
        nonlocal insistence
        insistence += 1
        stopping.set()
        if insistence > 1:
            # The owner insists. Containers stay as they are, and are adopted at the next start.
            print("Leaving the apps as they are; the next start takes them up again.", flush=True)
            os._exit(_SECOND_SIGNAL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop)
    # A terminal that closes may say so twice: the kernel signals everybody, and the shell its jobs. It never insists.
    loop.add_signal_handler(signal.SIGHUP, stopping.set)
    _refuse_root()
    lock = await asyncio.to_thread(RootLock, config.layout)
    # Before anything changes: whoever must give way first may go back to the version before.
    await require_free((config.port,))
    await asyncio.to_thread(_prepare_data, config.layout)
    secrets = SecretsManager(config.layout.apps, config.layout.node_key)
    for password in proxy_passwords(os.environ):
        secrets.redactor.learn(password)
    redact_log(secrets.redactor.redact)
    if not await _unlocked(config, secrets.key, stopping):
        lock.release()
        return None
    async with contextlib.AsyncExitStack() as closing:
        closing.callback(lock.release)
        node = Node(config, secrets, power)
        closing.push_async_callback(node.close)
        await node.start()
        server = RpcServer(node.services, _owners(config), ui=config.ui)
        closing.push_async_callback(server.stop)
        await server.start(config.socket, config.port)
        guard = GuardSocket(node.services.of(AppEntry))
        closing.push_async_callback(guard.stop)
        await guard.start(guard_socket(config.layout.caddy))
        await _open_local_access(node, server)
        greeting = asyncio.create_task(_greet_or_log(node, config, first_install, options))
        await stopping.wait()
        greeting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await greeting
        if power.wanted is PowerAction.RESTART:
            _say("\nRestarting; the apps keep running.")
        else:
            await _stop(node)
    return power.wanted


def _prepare_data(layout: Layout) -> None:
    """Bring the data of an earlier version to where this one looks for it, and close it to others."""
    log = structlog.get_logger("data")
    with reported(layout.root):
        refuse_lost_database(layout)
        migrated = migrate(layout, rename_in_namespace)
        if migrated is not None and migrated.apps:
            apps = " ".join(migrated.apps)
            log.warning("each app has a folder of its own by now", folder=str(layout.apps), apps=apps)
        for left in left_behind(layout):
            log.warning("data of an app lies where this version does not look", folder=str(left.folder), do=left.remedy)
        make_folders(layout)
        for wrong in repair(layout):
            log.warning("others may read this", path=str(wrong.path), why=wrong.why, wanted=f"{wrong.mode:04o}")


async def _open_local_access(node: Node, server: RpcServer) -> None:
    """Be reachable from the local network; where that fails, the owner can still fix it from here."""
    try:
        await node.open_local_access(server.front, server.call_by)
    except NodeError as error:
        print(f"Not reachable from the local network: {error}", file=sys.stderr, flush=True)
    except Exception:
        # Whatever is odd about this host, its owner needs the node to put it right.
        structlog.get_logger("daemon").exception("not reachable from the local network; the node goes on")


async def _unlocked(config: NodeConfig, key: NodeKey, stopping: asyncio.Event) -> bool:
    """Return whether the node's key is there; where the owner must bring it, wait until he has, or until the end."""
    if config.passphrase_file is not None and await asyncio.to_thread(key.state) is KeyState.LOCKED:
        await asyncio.to_thread(unlock_from_file, key, config.passphrase_file)
    state = await asyncio.to_thread(key.state)
    if state not in (KeyState.LOCKED, KeyState.MISSING):
        return True
    node = LockedNode(key, config)
    server = RpcServer(node.services, _owners(config), locked_methods(), ui=config.ui)
    await node.start()
    await server.start(config.socket, config.port)
    try:
        command = "./archipelago key unlock" if state is KeyState.LOCKED else "./archipelago key restore"
        print(f"Archipelago {__version__} waits for its key: {command}\nRunning apps stay up.", flush=True)
        return await node.until_open(stopping)
    finally:
        await server.stop()


def _owners(config: NodeConfig) -> frozenset[int]:
    return config.owners | {0, os.geteuid()}


async def _greet_or_log(node: Node, config: NodeConfig, first_install: str | None, options: dict[str, str]) -> None:
    """Greet the owner; whatever goes wrong in it, the node goes on and is stopped in order when its time comes."""
    try:
        await _greet(node, config, first_install, options)
    except Exception:
        structlog.get_logger("daemon").exception("the greeting failed; the node goes on")


async def _greet(node: Node, config: NodeConfig, first_install: str | None, options: dict[str, str]) -> None:
    """Say where the node is; on the first start, install the first app."""
    address = f"http://127.0.0.1:{config.port}"
    print(f"Archipelago {__version__} answers at {address}", flush=True)
    if (code := node.services.of(Login).setup_code) is not None:
        print(f"  Set the owner's password there with the code  {code}", flush=True)
        print("  or here with                                  ./archipelago password", flush=True)
    reports, operations = node.services.of(AppReportService), node.services.of(OperationService)
    installed = await reports.summaries()
    try:
        if not installed and first_install is not None and not await operations.newest(None, 1):
            await _install_first(node, first_install, options)
        for app in await reports.summaries():
            await _say_when_up(node, app.app)
    except NodeError as error:
        print(f"  {error}", flush=True)
    print(
        f"\n  Address   {address}\n"
        "  Next      ./archipelago list\n"
        "            ./archipelago catalog\n"
        "            ./archipelago install electrumx\n"
        "  Ctrl-C stops all apps in order; the next 'make run' brings them back.\n",
        flush=True,
    )


async def _install_first(node: Node, app: str, options: dict[str, str]) -> None:
    chosen = ", ".join(f"{key} = {value}" for key, value in options.items())
    print(f"First start: {app} is installed" + (f" with {chosen}" if chosen else ""), flush=True)
    operation = await node.services.of(AppChangeService).install(app, options, {}, start=True)
    said = ""
    while not operation.state.ended:
        step = next((step for step in operation.steps if step.state is OperationState.RUNNING), None)
        text = f"{step.name}: {step.detail}" if step is not None and step.detail else (step.name if step else "")
        if text and text != said:
            print(f"  {operation.percent:3.0f} %  {text}", flush=True)
            said = text
        operation = await node.services.of(OperationService).wait(operation.id, 1.0)
    if operation.error is not None:
        print(f"  {operation.error.message}\n  {operation.error.hint}", flush=True)


async def _say_when_up(node: Node, app: str) -> None:
    reports = node.services.of(AppReportService)
    status = await reports.status(app)
    while status.desired == "running" and status.health.state in ("starting", "waiting"):
        await node.wait_for_change()
        status = await reports.status(app)
    line = f"  {app} {status.version} is {status.health.state}"  # as it is typed, and as the line before says it
    if status.chain is not None:
        line += f"; {status.chain.chain} at block {status.chain.height} ({status.chain.percent} %)"
    elif status.health.reason:
        line += f": {status.health.reason}"
    print(line, flush=True)


def _say(text: str) -> None:
    print(text, flush=True)


async def _stop(node: Node) -> None:
    print("\nStopping the apps in order (a second Ctrl-C leaves them as they are)", flush=True)
    halt = asyncio.create_task(node.halt())
    said: tuple[str, ...] = ()
    while not halt.done():
        left = node.running_apps()
        if left and left != said:
            print(f"  still running: {', '.join(left)}", flush=True)
            said = left
        change = asyncio.create_task(node.wait_for_change())
        await asyncio.wait({halt, change}, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
    await halt
    print("All apps have stopped.", flush=True)


def _refuse_root() -> None:
    if os.geteuid() == 0:
        raise SystemExit("archipelago: the daemon must not run as root; start it with 'make run'")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="archipelago-daemon", description="Run an Archipelago node.")
    parser.add_argument("--first-install", metavar="APP", help="app to install when none is")
    parser.add_argument(
        "--set", metavar="OPTION=VALUE", action="append", default=[], type=_assignment, help="option of that app"
    )
    parser.add_argument("--verbose", action="store_true", help="log debug messages")
    found, others = parser.parse_known_args()
    if others:
        parser.error("there are arguments that it does not know")  # not quoted: one may be a secret
    return found


def _assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("expected OPTION=VALUE")  # what stands there may be a secret
    return key, value


if __name__ == "__main__":
    main()

"""A real Caddy in front of apps: names, headers, streams, faults, and changes that disturb nobody."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.container.manifest.site_names import Doors
from archipelago.network.drivers.caddy.caddy_driver import CaddyDriver
from archipelago.network.drivers.caddy.caddy_process import Caddy, find_caddy
from archipelago.network.sites import Behind, Door, WebSite, doors
from archipelago.security.keys.certificates import Certificates
from support.harness import free_port
from support.sealed_keys import Sealed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

NETWORK = IPv4Address("127.0.7.1")
"""Stands for an address of the local network: the kernel has all of 127.0.0.0/8."""
MEMORY = 40 << 20
"""Bytes that Caddy may take for itself, for all apps."""
SMUGGLED = {
    "X-Forwarded-User": "owner",
    "Remote-User": "owner",
    "REMOTE_USER": "owner",
    "X-Forwarded_For": "10.9.8.7",
    "X-WebAuth-User": "owner",
    "Forwarded": "for=10.9.8.7",
    "X-Real-IP": "10.9.8.7",
    "X-Forwarded-For": "10.9.8.7",
    "X-Forwarded-Host": "node.local",
    "X-Forwarded-Proto": "https",
}


def behind(port: int) -> Behind:
    """Return what a name leads to: an app of this test."""
    return Behind(LoopbackPlace(IPv4Address("127.0.0.1"), port))


class Scene:
    """A Caddy with its driver, and apps behind it."""

    def __init__(self, folder: Path) -> None:
        self.where = Doors(free_port(), free_port(), "island")
        self.certificates = Certificates(folder / "tls", Sealed(), "island", lambda: datetime.now(UTC))
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.driver = self.left = self.new_driver()

    def new_driver(self) -> CaddyDriver:
        return CaddyDriver(self.new_caddy(), self.certificates)

    def new_caddy(self) -> Caddy:
        return Caddy(self.folder / "caddy", self.folder / "caddy.log", find_caddy())

    def doors(self, **more: int) -> tuple[Door, ...]:
        """Return the doors to all apps, those of the network among them, and to further ports."""
        found = [WebSite(label, behind(port), open=True) for label, port in {**self.ports, **more}.items()]
        return doors(found, self.where, [NETWORK])

    async def pid(self) -> int:
        found = await self.new_caddy().pid()
        assert found is not None
        return found

    def browser(self, connector: aiohttp.TCPConnector | None = None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30))

    async def get(self, host: str, path: str = "/", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Ask for a page as a browser on the node does."""
        url = f"http://127.0.0.1:{self.where.http_port}{path}"
        sent = {"Host": host, **(headers or {})}
        async with self.browser() as session, session.get(url, headers=sent, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def curl(self, url: str, *arguments: str, to: str = "127.0.0.1") -> str:
        """Ask by TLS as a machine does that trusts the node's authority and finds all names at an address."""
        (self.folder / "root.pem").write_bytes(self.certificates.authority().certificate_pem())
        command = [
            "curl",
            "-sS",
            "--max-time",
            "20",
            "--cacert",
            str(self.folder / "root.pem"),
            "--connect-to",
            f"::{to}:",
        ]
        done = await asyncio.to_thread(
            subprocess.run, [*command, *arguments, url], capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout if done.returncode == 0 else f"curl {done.returncode}: {done.stderr}"


async def echo(request: web.Request) -> web.StreamResponse:
    """Answer with the headers that came, or with what comes by a WebSocket."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        async for message in stream:
            await stream.send_str(f"echo {message.data}")
        return stream
    return web.json_response([[name, value] for name, value in request.headers.items()])


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"\x00\xff 220 this is not HTTP\r\n\r\n")
    writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Two apps that echo, one that talks nonsense, one that is not there."""
    scene = Scene(tmp_path_factory.mktemp("sites"))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    for name in ("echo", "other"):
        scene.ports[name] = free_port()
        await web.TCPSite(runner, "127.0.0.1", scene.ports[name]).start()
    scene.ports |= {"nonsense": free_port(), "gone": free_port()}
    server = await asyncio.start_server(nonsense, "127.0.0.1", scene.ports["nonsense"])
    assert await scene.driver.apply(scene.doors()) == ()
    try:
        yield scene
    finally:
        await scene.driver.apply(())
        server.close()
        await runner.cleanup()


async def test_each_name_leads_to_its_app_and_no_other_name_anywhere(scene: Scene) -> None:
    status, text = await scene.get(f"echo.localhost:{scene.where.http_port}")
    assert status == 200 and f"echo.localhost:{scene.where.http_port}" in text
    for wrong in (
        "localhost",
        "127.0.0.1",
        "evil.example",
        "echo-island.local",
        "echo.localhost.evil.example",
    ):
        status, text = await scene.get(wrong)
        assert status == 404 and "No app that runs on this node has this name" in text, wrong
    assert (await scene.get("nonsense.localhost"))[0] == 502
    assert "The app does not answer" in (await scene.get("gone.localhost"))[1]
    assert (await scene.get("echo.localhost"))[0] == 200, "an app that does not answer disturbs no other"


async def test_headers_by_which_proxies_vouch_for_somebody_never_come_from_outside(scene: Scene) -> None:
    _, text = await scene.get("echo.localhost", headers={**SMUGGLED, "X-Auth-Token": "own", "Cookie": "a=b"})
    for told in ("owner", "10.9.8.7", "node.local"):
        assert told not in text
    assert '["X-Auth-Token", "own"]' in text and '["Cookie", "a=b"]' in text, "what is the app's own passes"
    assert '["X-Forwarded-Proto", "http"]' in text


async def test_the_network_has_tls_alone_and_what_trusts_the_node_sees_no_warning(scene: Scene) -> None:
    https, place = scene.where.https_port, str(NETWORK)
    name = f"https://echo-island.local:{https}/a?b"
    assert '"echo-island.local' in await scene.curl(name, to=place)
    assert (
        await scene.curl(name, "--http2", "-o", "/dev/null", "-w", "%{http_version} %{header_json}", to=place)
    ).startswith("2 ")
    assert "max-age=31536000" in await scene.curl(name, "-I", to=place)
    moved = await scene.curl(
        f"http://echo-island.local:{scene.where.http_port}/a?b",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{redirect_url}",
        to=place,
    )
    assert moved == f"308 {name}"
    # Names of loopback open nothing from the network, and another name's certificate does not fit.
    assert "No app that runs" in await scene.curl(f"https://echo.localhost:{https}/", to=place)
    assert (await scene.curl(f"https://127.0.7.1:{https}/", to=place)).startswith("curl 60")
    assert (
        await scene.curl(
            f"https://echo-island.local:{https}/",
            "-H",
            "Host: other-island.local",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            to=place,
        )
        == "421"
    )
    assert '"echo.localhost' in await scene.curl(f"https://echo.localhost:{https}/"), (
        "the same on the node, for those who like"
    )


async def test_a_change_drops_no_request_and_no_stream(scene: Scene) -> None:
    url = f"http://127.0.0.1:{scene.where.http_port}/"
    answered, failed, done = 0, [], asyncio.Event()

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal answered
        while not done.is_set():
            try:
                async with session.get(url, headers={"Host": "echo.localhost"}) as answer:
                    await answer.read()
                    answered += answer.status == 200
            except (aiohttp.ClientError, OSError) as error:
                failed.append(error)

    async with scene.browser() as session, scene.browser() as streams:
        askers = [asyncio.create_task(ask(session)) for _ in range(8)]
        async with streams.ws_connect(url, headers={"Host": "other.localhost"}) as stream:
            for number in range(12):
                before = answered
                await stream.send_str(str(number))
                assert (await stream.receive(timeout=20)).data == f"echo {number}"
                assert await scene.driver.apply(scene.doors(**{f"new{number}": scene.ports["echo"]})) == ()
                assert (await scene.get(f"new{number}.localhost"))[0] == 200
                async with asyncio.timeout(60):
                    while answered < before + 20 and not failed:  # each asker was answered before, during and after it
                        await asyncio.sleep(0.001)
            await stream.send_str("end")
            assert (await stream.receive(timeout=20)).data == "echo end"
        done.set()
        await asyncio.gather(*askers)
    assert failed == [], f"{len(failed)} of {answered}"
    await scene.driver.apply(scene.doors())
    assert (await scene.get("new3.localhost"))[0] == 404


async def test_one_that_is_killed_comes_back_with_what_it_knew(scene: Scene) -> None:
    before = await scene.pid()
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(100):
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                if (await scene.get("echo.localhost"))[0] == 200:
                    break
            await asyncio.sleep(0.02)  # nobody outside is told
    assert await scene.pid() != before


async def test_one_that_an_earlier_daemon_left_goes_on(scene: Scene) -> None:
    before = await scene.pid()
    scene.left = scene.driver
    await scene.left.close()
    assert (await scene.get("echo.localhost"))[0] == 200, "without a daemon"
    scene.driver = scene.new_driver()
    assert await scene.driver.apply(scene.doors()) == ()
    assert await scene.pid() == before and (await scene.get("echo.localhost"))[0] == 200


async def test_a_port_that_is_taken_costs_nothing_but_itself(scene: Scene) -> None:
    port = free_port()  # which no connection of another program gets when it is free again
    with socket.create_server(("127.0.0.1", port)):
        more = Door("more", ((IPv4Address("127.0.0.1"), port),), {"echo.localhost": behind(scene.ports["echo"])})
        (problem,) = await scene.driver.apply((*scene.doors(), more))
        assert f"127.0.0.1 port {port}" in problem
        assert (await scene.get("echo.localhost"))[0] == 200
    assert await scene.driver.apply((*scene.doors(), more)) == (), "once it is free, it is had"
    assert await scene.driver.apply(scene.doors()) == ()


async def test_it_sees_no_file_of_the_host_has_no_right_and_little_memory(scene: Scene) -> None:
    process = Path("/proc") / str(await scene.pid())
    for namespace in ("user", "mnt", "ipc"):
        assert (process / "ns" / namespace).stat().st_ino != Path("/proc/self/ns", namespace).stat().st_ino
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0 and status["NoNewPrivs"] == "1"
    mounts = [line.split()[:4] for line in (process / "mounts").read_text().splitlines()]
    assert [place for _, place, *_ in mounts] == ["/", str(scene.folder / "caddy"), "/program"]
    assert mounts[0][3].startswith("ro,")
    assert int(status["RssAnon"].split()[0]) * 1024 < MEMORY
    kept = [each.read_bytes() for each in (scene.folder / "caddy").rglob("*") if each.is_file()]
    assert not [text for text in kept if b"KEY" in text], "no key is on a disk"
    assert (scene.folder / "caddy" / "admin.sock").stat().st_mode & 0o777 == 0o600


async def test_without_a_site_nothing_runs(scene: Scene) -> None:
    assert await scene.driver.apply(()) == ()
    assert await scene.new_caddy().pid() is None
    without = CaddyDriver(Caddy(scene.folder / "none", scene.folder / "none.log", None), scene.certificates)
    assert "there is no program" in (await without.apply(scene.doors()))[0]
    assert await scene.driver.apply(scene.doors()) == ()

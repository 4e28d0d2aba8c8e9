"""A real Caddy serves the guide to the node's certificate to phones, as Chromium shows it; what it offers is real."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from archipelago.container.manifest.site_names import Doors
from archipelago.network.drivers.caddy.caddy_driver import CaddyDriver
from archipelago.network.drivers.caddy.caddy_process import Caddy, find_caddy
from archipelago.network.sites import doors
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.security.keys.certificates import Certificates
from archipelago.support.texts.translation import Language
from support.chromium import chromium
from support.everybody import require_for_everybody
from support.harness import free_port
from support.nss import trust_authority
from support.sealed_keys import Sealed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

NETWORK = IPv4Address("127.0.7.2")
"""Stands for an address of the local network: the kernel has all of 127.0.0.0/8."""
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
AGENTS = {
    "ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari",
    "android": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile",
    "windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
    "macos": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1",
    "linux": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True)
class Scene:
    """A node that listens on the local network, and has no app."""

    where: Doors
    certificates: Certificates

    @property
    def page(self) -> str:
        return f"http://{NETWORK}:{self.where.http_port}/certificate"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Its doors, which Caddy keeps."""
    folder = tmp_path_factory.mktemp("trust")
    scene = Scene(
        Doors(free_port(), free_port(), "island"),
        Certificates(folder / "tls", Sealed(), "island", lambda: datetime.now(UTC)),
    )
    driver = CaddyDriver(Caddy(folder / "caddy", folder / "caddy.log", find_caddy()), scene.certificates)
    files = TrustFiles(scene.certificates, scene.where).files()
    assert await driver.apply(doors((), scene.where, [NETWORK], files)) == ()
    yield scene
    await driver.apply(())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger() -> AsyncIterator[Browser]:
    """A browser that knows nothing of the node."""
    async with chromium() as launched:
        yield launched


@asynccontextmanager
async def shown(browser: Browser, url: str, size: dict[str, int], agent: str | None = None) -> AsyncIterator[Page]:
    """Give a tab that shows an address."""
    context = await browser.new_context(viewport=size, user_agent=agent)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(url)
    yield page
    await context.close()


@pytest.mark.parametrize("device", AGENTS)
async def test_a_device_sees_its_own_steps_first(scene: Scene, stranger: Browser, device: str) -> None:
    async with shown(stranger, scene.page, PHONE, AGENTS[device]) as page:
        first = page.locator("details").first
        await expect(first).to_have_attribute("id", device)
        await expect(first.locator("li").first).to_be_visible()
        await expect(page.locator("details[open]")).to_have_count(1)
        await expect(page.get_by_text(scene.certificates.authority().fingerprint())).to_be_visible()


async def test_the_page_tells_a_device_that_trusts_the_node_from_one_that_does_not(
    scene: Scene, stranger: Browser, tmp_path: Path
) -> None:
    async with shown(stranger, scene.page, PHONE) as page:
        await expect(page.get_by_role("status")).to_have_text("This device does not trust the node yet")
    trust_authority(tmp_path, scene.certificates.authority().certificate_pem())
    async with chromium(home=tmp_path) as owner, shown(owner, scene.page, PHONE) as page:
        await expect(page.get_by_role("status")).to_have_text("This device trusts the node")


@pytest.mark.parametrize("language", Language)
async def test_everybody_can_use_the_page(scene: Scene, stranger: Browser, language: Language) -> None:
    sizes = (PHONE, DESKTOP) if language is Language.EN else (PHONE,)
    for size in sizes:
        async with shown(stranger, f"{scene.page}/{language}", size) as page:
            await expect(page.get_by_role("status")).to_be_visible()
            assert await page.locator("html").get_attribute("lang") == language
            await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is too wide"
            # The page's own policy keeps axe out; a tab of its own has the same content without it.
            content = await page.content()
            await page.goto("about:blank")
            await page.set_content(content)
            await require_for_everybody(page)


async def test_a_phone_downloads_what_openssl_takes_and_finds_nothing_else(scene: Scene, tmp_path: Path) -> None:
    kinds = {
        "archipelago-ca.crt": "application/x-x509-ca-cert",
        "archipelago-ca.cer": "application/pkix-cert",
        "archipelago-ca.mobileconfig": "application/x-apple-aspen-config",
    }
    async with aiohttp.ClientSession() as phone:
        for name, kind in kinds.items():
            async with phone.get(f"{scene.page}/{name}") as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
                (tmp_path / name).write_bytes(await answer.read())
        async with phone.get(scene.page, headers={"Accept-Language": "de-CH,fr"}) as answer:
            assert 'lang="de"' in await answer.text()
        async with phone.get(scene.page, headers={"Host": "island.local"}) as answer:
            assert answer.status == 200
        for path, host in (
            ("/", str(NETWORK)),
            ("/certificate/authority.key", str(NETWORK)),
            ("/certificate", "x.org"),
        ):
            url = f"http://{NETWORK}:{scene.where.http_port}{path}"
            async with phone.get(url, headers={"Host": host}) as answer:
                assert answer.status == 404
    for name, form in (("archipelago-ca.crt", "PEM"), ("archipelago-ca.cer", "DER")):
        command = ["openssl", "x509", "-in", str(tmp_path / name), "-inform", form, "-noout", "-fingerprint", "-sha256"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert done.stdout.strip().endswith(scene.certificates.authority().fingerprint())

"""A browser that trusts the node's authority, and a thief who has its key: what he can vouch for, and what he cannot.

Servers show certificates of the authority under all sorts of names; Chromium looks all names up at this host.
"""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Error

from archipelago.security.keys.tls_identity import TlsIdentity, issue, make_authority
from support.chromium import chromium
from support.harness import free_port
from support.nss import trust_authority

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

OWN = ("mempool.localhost", "mempool--api.localhost", "mempool-island.local", "island.local")
FOREIGN = ("example.com", "www.example.com", "local.example.com", "mempool-island.local.example.com", "bank.test")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ports(authority: TlsIdentity, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, int]]:
    """A server for each name, with a certificate that the authority's key has signed for it."""
    folder, found = tmp_path_factory.mktemp("leaves"), dict[str, int]()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<title>in</title>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    for name in (*OWN, *FOREIGN):
        leaf = issue(authority, (name,), (), datetime.now(UTC), days=7)
        (folder / "pair.pem").write_bytes(leaf.key_pem() + leaf.certificate_pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "pair.pem")
        found[name] = free_port()
        await web.TCPSite(runner, "127.0.0.1", found[name], ssl_context=context).start()
    yield found
    await runner.cleanup()


@pytest.fixture(scope="module")
def authority() -> TlsIdentity:
    """The node's authority, with its key."""
    return make_authority("island", datetime.now(UTC))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(authority: TlsIdentity, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser of an owner who has installed the authority's certificate, and nothing else."""
    home: Path = tmp_path_factory.mktemp("home")
    trust_authority(home, authority.certificate_pem())
    async with chromium("--host-resolver-rules=MAP * 127.0.0.1", home=home) as launched:
        yield launched


async def shown(browser: Browser, url: str) -> str:
    """Return the title of a page, or the browser's error where it shows a warning instead."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(url)
        return await page.title()
    except Error as error:
        return error.message.split(" at ")[0].removeprefix("Page.goto: net::")
    finally:
        await context.close()


async def test_names_of_the_node_are_shown_without_a_warning(browser: Browser, ports: dict[str, int]) -> None:
    assert {name: await shown(browser, f"https://{name}:{ports[name]}/") for name in OWN} == dict.fromkeys(OWN, "in")


async def test_a_stolen_key_vouches_for_no_other_site(browser: Browser, ports: dict[str, int]) -> None:
    found = {name: await shown(browser, f"https://{name}:{ports[name]}/") for name in FOREIGN}
    assert found == dict.fromkeys(FOREIGN, "ERR_CERT_INVALID")


async def test_a_certificate_of_one_app_is_none_of_another(browser: Browser, ports: dict[str, int]) -> None:
    wrong = f"https://mempool.localhost:{ports['mempool--api.localhost']}/"
    assert await shown(browser, wrong) == "ERR_CERT_COMMON_NAME_INVALID"


async def test_without_the_authority_there_is_a_warning(ports: dict[str, int]) -> None:
    """The control: it is the installed certificate, and nothing that the test does to the browser."""
    async with chromium("--host-resolver-rules=MAP * 127.0.0.1") as stranger:
        assert await shown(stranger, f"https://island.local:{ports['island.local']}/") == "ERR_CERT_AUTHORITY_INVALID"

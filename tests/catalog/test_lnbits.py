"""LNbits as its owner uses it: from a fresh node to an invoice that is paid, and what its macaroon does not allow."""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from support.chromium import chromium, page_engine
from support.harness import ROOT, TestNode, copy_apps, podman, remove_leftovers, running_node
from support.lightning import channel, install_chain, lncli, other_lnd, pay_request

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(3600)]

USED = {
    "lnbits": (
        "is paid by another LND and pays it, from wallets of its ledger and on its page, also after restarts, and is "
        "refused all else at LND"
    )
}
MADE = os.environ.get("ARCHIPELAGO_APP_SCREENSHOTS")
"""Folder for the picture of the page in the store; without it, none is taken."""
# A machine that builds images beside it is slow; what is awaited is an event all the same.
expect.set_options(timeout=60_000)
RECEIVED, SPENT = 40_000, 15_000
"""Satoshi."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node on regtest with LNbits, the LND that came with it, and another LND."""
    remove_leftovers()
    apps = copy_apps(ROOT / "lnbits.apps")
    other_lnd(apps)
    async with running_node("lnbits", apps=apps) as running:
        await install_chain(running)
        await running.install("lnbits")
        await running.install("peer")
        for app in ("lnd", "peer", "lnbits"):
            await running.until(app, "healthy")
        yield running


@asynccontextmanager
async def client(node: TestNode, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Give somebody who calls the API of LNbits."""
    (page,) = (await node.call("container-status", app="lnbits"))["endpoints"]
    base = str(page["address"])
    async with aiohttp.ClientSession(base, headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def answered(session: aiohttp.ClientSession, method: str, path: str, **body: Any) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    async with session.request(method, path, json=body or None, allow_redirects=False) as answer:
        return answer.status, await answer.json(content_type=None)


async def password_of(node: TestNode) -> str:
    """Return what the owner is shown."""
    return str(await node.call("secret-show", app="lnbits", name="admin_password"))


async def log_in(session: aiohttp.ClientSession, password: str) -> tuple[int, Any]:
    """Log in as the admin."""
    return await answered(session, "POST", "/api/v1/auth", username="admin", password=password)


async def token(node: TestNode) -> str:
    """Return the admin's token."""
    async with client(node) as session:
        status, login = await log_in(session, await password_of(node))
    assert status == 200, login
    return f"Bearer {login['access_token']}"


async def wallet(node: TestNode) -> dict[str, Any]:
    """Return the admin's first wallet."""
    async with client(node, Authorization=await token(node)) as admin:
        status, found = await answered(admin, "GET", "/api/v1/wallets")
    assert status == 200, found
    return dict(found[0])


async def until_balance(session: aiohttp.ClientSession, satoshi: int) -> None:
    """Return once the wallet has this; LNbits tells a stranger nothing of it by itself."""
    for _ in range(400):
        _, found = await answered(session, "GET", "/api/v1/wallet")
        if found["balance"] == satoshi * 1000:
            return
    raise AssertionError(found)


async def received(node: TestNode, satoshi: int) -> None:
    """Have the other LND pay an invoice of the wallet, until the wallet has it."""
    keys = await wallet(node)
    async with client(node, **{"X-Api-Key": keys["inkey"]}) as shop:
        status, made = await answered(shop, "POST", "/api/v1/payments", out=False, amount=satoshi, memo="bread")
        assert status == 201, made
        _, before = await answered(shop, "GET", "/api/v1/wallet")
        await pay_request(node, "peer", made["bolt11"])
        await until_balance(shop, before["balance"] // 1000 + satoshi)
        _, found = await answered(shop, "GET", f"/api/v1/payments/{made['payment_hash']}")
        assert found["paid"] is True, found


async def test_nobody_but_the_owner_becomes_the_admin(node: TestNode) -> None:
    async with client(node) as stranger:
        mine = {"username": "mallory", "password": "secret1234", "password_repeat": "secret1234"}
        status, said = await answered(stranger, "PUT", "/api/v1/auth/first_install", **mine)
        assert status == 403, said
        status, said = await answered(stranger, "POST", "/api/v1/auth/register", **mine)
        assert status >= 400, said
        status, said = await answered(stranger, "POST", "/api/v1/account", name="mine")
        assert status >= 400, said
        assert (await log_in(stranger, "secret1234"))[0] == 401
    async with client(node, Authorization=await token(node)) as admin:
        status, found = await answered(admin, "GET", "/api/v1/status")
        assert (status, found["funding_source"], found["funding_source_error"]) == (200, "LndRestWallet", None), found


async def test_invoices_are_paid_and_the_wallet_has_what_is_left(node: TestNode) -> None:
    await channel(node)
    await received(node, RECEIVED)
    keys = await wallet(node)
    invoice = await lncli(node, "peer", "addinvoice", str(SPENT))
    order = {"out": True, "bolt11": invoice["payment_request"]}
    async with client(node, **{"X-Api-Key": keys["inkey"]}) as shop:
        status, said = await answered(shop, "POST", "/api/v1/payments", **order)
        assert status in (401, 403), said
    async with client(node, **{"X-Api-Key": keys["adminkey"]}) as owner:
        status, said = await answered(owner, "POST", "/api/v1/payments", **order)
        assert status == 201, said
        await until_balance(owner, RECEIVED - SPENT)
        more = await lncli(node, "peer", "addinvoice", str(RECEIVED))
        status, said = await answered(owner, "POST", "/api/v1/payments", out=True, bolt11=more["payment_request"])
        assert status >= 400 and "balance" in str(said), "a wallet pays no more than it has"
    found = await lncli(node, "peer", "lookupinvoice", invoice["r_hash"])
    assert (found["state"], int(found["amt_paid_sat"])) == ("SETTLED", SPENT)


async def test_the_owner_logs_in_by_the_page_which_asks_nobody_else(node: TestNode) -> None:
    (page,) = (await node.call("container-status", app="lnbits"))["endpoints"]
    asked: set[str] = set()
    async with chromium(program=page_engine()) as browser:
        tab = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
        tab.on("request", lambda request: asked.add(urlsplit(request.url).netloc or "inline"))
        await tab.goto(page["site"])
        await tab.get_by_label("Username or Email").fill("admin")
        await tab.get_by_label("Password").fill(await password_of(node))
        await tab.get_by_label("Password").press("Enter")
        await expect(tab).to_have_url(re.compile("/wallet"))
        await expect(tab.get_by_text(f"{RECEIVED - SPENT:,}").first).to_be_visible()
        await tab.wait_for_load_state("networkidle")
        if MADE is not None:
            (Path(MADE) / "lnbits").mkdir(exist_ok=True)
            await tab.screenshot(path=Path(MADE) / "lnbits/1-wallet.png", animations="disabled")
    assert asked <= {urlsplit(page["site"]).netloc, "inline"}, asked


async def test_its_macaroon_allows_what_wallets_need_and_nothing_else(node: TestNode) -> None:
    point = (await channel(node))["channel_point"].replace(":", "/")
    macaroon = "open('/run/lnbits/lnd.macaroon', 'rb').read().hex()"

    async def asked(method: str, path: str, body: str = "") -> tuple[int, str]:
        script = (
            "import http.client; c = http.client.HTTPConnection('lnd-rest', 8080, timeout=20);"
            f"c.request({method!r}, {path!r}, {body!r}, {{'Grpc-Metadata-macaroon': {macaroon}}});"
            "r = c.getresponse(); print(r.status); print(r.read().decode())"
        )
        status, _, said = (await node.execute("lnbits", "/usr/bin/python3", "-c", script)).partition("\n")
        return int(status), said

    status, said = await asked("GET", "/v1/balance/channels")
    assert status == 200 and "local_balance" in said
    for method, path, body in (
        ("GET", "/v1/getinfo", ""),
        ("GET", "/v1/newaddress", ""),
        ("GET", "/v1/balance/blockchain", ""),
        ("POST", "/v1/transactions", json.dumps({"addr": "bcrt1q", "amount": "1000"})),
        ("DELETE", f"/v1/channels/{point}", ""),
        ("POST", "/v1/macaroon", json.dumps({"permissions": [{"entity": "onchain", "action": "write"}]})),
        ("POST", "/v1/stop", "{}"),
    ):
        status, said = await asked(method, path, body)
        assert status != 200 and "permission denied" in said, (path, said)


async def test_the_ledger_is_that_of_the_network_and_has_no_macaroon(node: TestNode) -> None:
    ledger = node.root / "apps/lnbits/volumes/ledger"
    assert podman("unshare", "ls", str(ledger)).split() == ["regtest"]
    script = (
        "import pathlib; macaroon = pathlib.Path('/run/lnbits/lnd.macaroon').read_bytes();"
        "found = {each.name: each.read_bytes() for each in pathlib.Path('/data').rglob('*') if each.is_file()};"
        "print([name for name, text in found.items() if macaroon in text or macaroon.hex().encode() in text]);"
        "print(macaroon[:1] == b'\\2' and 'database.sqlite3' in found)"
    )
    assert (await node.execute("lnbits", "/usr/bin/python3", "-c", script)).split("\n")[:2] == ["[]", "True"]
    preview = await node.call("removal-preview", app="lnbits")
    assert {each["name"]: each["funds"] for each in preview["volumes"]} == {"ledger": True}


async def test_after_a_restart_of_lnd_or_of_the_node_invoices_are_paid_again(node: TestNode) -> None:
    before = (await wallet(node))["balance_msat"]
    await node.done(await node.call("container-restart", app="lnd"))
    for app in ("lnd", "lnbits"):
        await node.until(app, "healthy")
    await channel(node)
    await received(node, 1000)
    await node.stop()
    await node.start()
    for app in ("lnd", "peer", "lnbits"):
        await node.until(app, "healthy")
    await channel(node)
    await received(node, 1000)
    assert (await wallet(node))["balance_msat"] == before + 2_000_000


async def test_the_admin_starts_the_server_again_by_its_page(node: TestNode) -> None:
    (run,) = (await node.call("container-status", app="lnbits"))["containers"]
    async with client(node, Authorization=await token(node)) as admin:
        status, before = await answered(admin, "GET", "/api/v1/health")
        status, said = await answered(admin, "GET", "/admin/api/v1/restart")
        assert status == 200, said
        for _ in range(400):
            try:
                status, now = await answered(admin, "GET", "/api/v1/health")
            except aiohttp.ClientError:
                continue
            if status == 200 and now["up_time"] < before["up_time"]:
                break
        else:
            raise AssertionError("it did not start again")
    (same,) = (await node.call("container-status", app="lnbits"))["containers"]
    assert same["started_at"] == run["started_at"], "its container ran on"


async def test_another_secret_is_the_admins_password_from_then_on(node: TestNode) -> None:
    old, balance = await password_of(node), (await wallet(node))["balance_msat"]
    await node.done(await node.call("secret-rotate", app="lnbits", name="admin_password"))
    await node.until("lnbits", "healthy")
    new = await password_of(node)
    assert new != old
    async with client(node) as session:
        assert [(await log_in(session, each))[0] for each in (old, new)] == [401, 200]
    assert (await wallet(node))["balance_msat"] == balance

"""LND as an owner uses it: a wallet, a channel to another LND, payments, a consumer with few rights, and a restart."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import ROOT, RpcError, TestNode, copy_apps, podman, remove_leftovers, running_node
from support.lightning import CHANNEL, MINE, PUSHED, channel, connected, install_chain, lncli, other_lnd, pay, until
from support.tiny_apps import ALIVE, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(3600)]

USED = {
    "lnd": (
        "opens a channel to another LND, pays and is paid, gives a consumer an invoice and no payment, and closes its "
        "channels by the static channel backup"
    )
}


def shop(apps: Path) -> None:
    """Write an app that may make invoices, and may not pay."""
    files = "files: [{path: /etc/login, template: login.j2}]"
    needs = "requires: {lnd-rest: {permissions: [info:read, invoices:write, invoices:read]}}"
    write_app(apps, "shop", command='[sleep, "100000"]', health=f"{ALIVE}\n    {files}", more=needs)
    (apps / "shop/login.j2").write_text("{{ requires['lnd-rest'].macaroon }}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node on regtest with two LNDs."""
    remove_leftovers()
    apps = copy_apps(ROOT / "lightning.apps")
    other_lnd(apps)
    shop(apps)
    async with running_node("lightning", apps=apps) as running:
        await install_chain(running)
        await running.install("lnd", options={"alias": "archipelago"})
        await running.install("peer")
        for app in ("lnd", "peer"):
            await running.until(app, "healthy")
        yield running


async def started_at(node: TestNode, app: str) -> str:
    return str((await node.call("container-status", app=app))["containers"][0]["started_at"])


async def test_the_wallet_is_made_of_the_words_that_the_owner_sees_and_they_stay(node: TestNode) -> None:
    info = await lncli(node, "lnd", "getinfo")
    height = int(await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount"))
    assert (info["alias"], info["block_height"], info["synced_to_chain"]) == ("archipelago", height, True)
    words = await node.call("secret-show", app="lnd", name="seed")
    assert len(words.split()) == 24
    assert words != await node.call("secret-show", app="peer", name="seed")
    for name in ("seed", "wallet_password", "macaroon_key"):
        with pytest.raises(RpcError, match="cannot be replaced"):
            await node.call("secret-rotate", app="lnd", name=name)
    plan = await node.call("plan", app="shop")
    assert "may: info:read, invoices:read, invoices:write" in str(plan)


async def test_invoices_are_paid_both_ways_over_a_channel(node: TestNode) -> None:
    opened = await channel(node)
    assert int(opened["remote_balance"]) == PUSHED
    await pay(node, "lnd", "peer", 50_000)
    await pay(node, "peer", "lnd", 20_000)
    await until(node, "lnd", lambda all_: int(all_["channels"][0]["remote_balance"]) == 330_000, "listchannels")


async def test_the_channel_backup_is_copied_by_the_node(node: TestNode) -> None:
    point = (await channel(node))["channel_point"]
    said = {"multi_chan_backup": {"chan_points": []}}
    for _ in range(200):
        folders = list((node.root / "apps/lnd/streams").glob("*"))
        if folders:
            # As docs/backups.md has it.
            newest = podman("unshare", "sh", "-c", f"ls {folders[0].parent}/*/* | tail -n 1")
            hexadecimal = podman("unshare", "sh", "-c", f"od -An -v -tx1 '{newest}' | tr -d ' \\n'")
            said = await lncli(node, "lnd", "verifychanbackup", "--multi_backup", hexadecimal)
            if point in str(said):
                break
    assert point in str(said), said
    (stream,) = await node.call("data-streams", app="lnd")
    assert (stream["file"], stream["problem"]) == ("channel.backup", "") and stream["size"] > 0


async def test_a_consumer_makes_invoices_and_cannot_pay(node: TestNode) -> None:
    await channel(node)
    before = await started_at(node, "lnd")
    await node.install("shop")
    assert await started_at(node, "lnd") == before
    ask = '/usr/bin/busybox wget -qO- --header "Grpc-Metadata-macaroon: $(/usr/bin/busybox cat /etc/login)"'

    async def asked(path: str, body: str = "") -> dict[str, Any]:
        given = f"--post-data '{body}'" if body else ""
        script = f"{ask} {given} http://lnd-rest:8080{path} 2>&1"
        return dict(await node.call("container-exec", app="shop", command=["/usr/bin/busybox", "sh", "-c", script]))

    info = await asked("/v1/getinfo")
    assert info["exit_code"] == 0 and json.loads(info["stdout"])["alias"] == "archipelago", info
    made = json.loads((await asked("/v1/invoices", '{"value": "1000"}'))["stdout"])
    await node.execute("peer", "lncli", "payinvoice", "--force", "--json", made["payment_request"])
    invoice = await lncli(node, "peer", "addinvoice", "1000")
    payment = {"payment_request": invoice["payment_request"], "timeout_seconds": 10}
    refused = await asked("/v2/router/send", json.dumps(payment))
    assert refused["exit_code"] != 0 and re.search(r"HTTP/1.1 (403|500)", refused["stdout"]), refused
    assert "/routerrpc.Router/SendPaymentV2]: permission denied" in str(await node.call("container-logs", app="lnd"))
    assert (await lncli(node, "peer", "lookupinvoice", invoice["r_hash"]))["state"] == "OPEN"


async def test_after_a_restart_of_the_node_the_wallet_is_open_and_pays(node: TestNode) -> None:
    await channel(node)
    key = (await lncli(node, "lnd", "getinfo"))["identity_pubkey"]
    await node.stop()
    await node.start()
    for app in ("lnd", "peer"):
        await node.until(app, "healthy")
    assert (await lncli(node, "lnd", "getinfo"))["identity_pubkey"] == key
    await channel(node)
    await pay(node, "lnd", "peer", 10_000)


async def test_where_the_state_is_lost_its_owner_decides_and_the_backup_closes_the_channels(node: TestNode) -> None:
    point = (await channel(node))["channel_point"]
    key = (await lncli(node, "lnd", "getinfo"))["identity_pubkey"]
    before = int((await lncli(node, "lnd", "walletbalance"))["total_balance"])
    assert before > 8_900_000
    await node.done(await node.call("container-stop", app="lnd"))
    podman("unshare", "find", f"{node.root}/apps/lnd/volumes/state/regtest", "-mindepth", "1", "-delete")
    operation = await node.ended(await node.call("container-start", app="lnd"))
    assert operation["state"] == "failed" and "may not be run" in operation["error"]["message"], operation
    contested = await node.call("data-contested", app="lnd")
    await node.call("data-claim", app="lnd", evidence=[each["evidence"] for each in contested])
    await node.done(await node.call("container-start", app="lnd"))
    await node.until("lnd", "healthy")
    assert (await lncli(node, "lnd", "getinfo"))["identity_pubkey"] == key, "the wallet is the same"
    await until(node, "lnd", lambda found: int(found["confirmed_balance"]) == before, "walletbalance")

    await connected(node)
    await until(node, "peer", lambda found: point in str(found), "pendingchannels")
    gained = CHANNEL - PUSHED - 200_000
    for _ in range(60):  # the close, then the payment from it to the wallet, which is made once that is confirmed
        await node.execute("bitcoin-knots", *MINE, "1")
        if int((await lncli(node, "lnd", "walletbalance"))["confirmed_balance"]) > before + gained:
            return
    raise AssertionError(await lncli(node, "lnd", "pendingchannels"))


async def test_it_goes_on_where_it_reaches_others_through_tor_alone(node: TestNode) -> None:
    key = (await lncli(node, "lnd", "getinfo"))["identity_pubkey"]
    await node.done(await node.call("container-config", app="lnd", options={"reach": "tor"}))
    await node.until("lnd", "healthy")
    assert (await lncli(node, "lnd", "getinfo"))["identity_pubkey"] == key
    assert "tor" in {each["app"] for each in await node.call("container-list")}

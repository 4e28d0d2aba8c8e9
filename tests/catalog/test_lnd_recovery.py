"""What is left of an LND that lost its channels: its owner gets all of it back, as docs/backups.md says."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import CHECKOUT
from support.harness import ROOT, RpcError, TestNode, copy_apps, free_port, podman, remove_leftovers, running_node
from support.lightning import CHANNEL, MINE, PUSHED, channel, connected, install_chain, lncli, other_lnd, pay, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(3600)]

SECOND = 500_000
"""Satoshi of a channel that is opened after the last backup."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node on regtest with two LNDs; the tests build on each other."""
    remove_leftovers()
    apps = copy_apps(ROOT / "recovery.apps")
    other_lnd(apps)
    manifest = apps / "peer/manifest.yml"
    text = manifest.read_text()
    assert "host_port: 9736" in text
    # Other tests of LND may run beside this one.
    manifest.write_text(text.replace("host_port: 9736", f"host_port: {free_port()}"))
    async with running_node("recovery", apps=apps) as running:
        await install_chain(running)
        for app in ("lnd", "peer"):
            await running.install(app)
            await running.until(app, "healthy")
        yield running


def volume(node: TestNode, name: str) -> str:
    return f"{node.root}/apps/lnd/volumes/{name}/regtest"


async def test_the_words_are_asked_back_until_the_owner_has_shown_that_he_has_them(node: TestNode) -> None:
    async def reminders() -> list[str]:
        return sorted(each["app"] for each in await node.call("node-notices") if each["kind"] == "words")

    assert await reminders() == ["lnd", "peer"]
    words = (await node.call("secret-show", app="lnd", name="seed")).split()
    given = [{"place": place, "word": words[place - 1]} for place in (2, 13, 24)]
    with pytest.raises(RpcError, match="not the words"):
        await node.call("secret-confirm", app="lnd", name="seed", words=[*given[:2], {"place": 1, "word": "zebra"}])
    started = (await node.call("container-status", app="lnd"))["containers"][0]["started_at"]
    await node.call("secret-confirm", app="lnd", name="seed", words=given)
    assert await reminders() == ["peer"]
    assert (await node.call("container-status", app="lnd"))["containers"][0]["started_at"] == started
    entries = await node.call("audit-show", limit=20)
    subjects = [each["subject"] for each in entries if each["action"] == "secret-confirm"]
    assert subjects and all(each == {"app": "lnd", "name": "seed", "words": "3"} for each in subjects)


async def test_the_page_says_what_can_be_sent_and_received(node: TestNode) -> None:
    nothing = await node.call("lightning-report", app="lnd")
    assert (nothing["running"], nothing["can_send"], nothing["channels"]["active"]) == (True, 0, 0)
    await channel(node)
    await pay(node, "lnd", "peer", 50_000)
    for app in ("lnd", "peer"):
        (opened,) = (await until(node, app, lambda found: not _under_way(found), "listchannels"))["channels"]
        report = await _fresh_report(node, app)
        assert report["channels"] == {"active": 1, "inactive": 0, "pending": 0}
        for side, key in (("local", "can_send"), ("remote", "can_receive")):
            reserve = int(opened[f"{side}_constraints"]["chan_reserve_sat"])
            assert report[key] == max(int(opened[f"{side}_balance"]) - reserve, 0) > 0, (app, report, opened)
        wallet = await lncli(node, app, "walletbalance")
        assert report["onchain"] == int(wallet["confirmed_balance"])
        assert report["synced_to_chain"] and report["fees"] == {"day": 0, "week": 0, "month": 0}
    amount = (await _fresh_report(node, "lnd"))["can_send"]
    await pay(node, "lnd", "peer", amount * 9 // 10)
    await pay(node, "peer", "lnd", amount * 9 // 10)


def _under_way(found: dict[str, Any]) -> bool:
    return any(each["pending_htlcs"] for each in found["channels"])


async def _fresh_report(node: TestNode, app: str) -> dict[str, Any]:
    """Return what an LND reports now: an answer serves all who ask within ten seconds."""
    asked = (await node.call("lightning-report", app=app))["at"]
    while (report := await node.call("lightning-report", app=app))["at"] == asked:
        await asyncio.sleep(0.2)
    return dict(report)


async def test_channels_that_are_newer_than_the_last_backup_come_back_by_one_command(node: TestNode) -> None:
    await channel(node)
    # From its second start on, the node knows that there is state to lose.
    await node.done(await node.call("container-restart", app="lnd"))
    await node.until("lnd", "healthy")
    first = (await channel(node))["channel_point"]
    key = (await lncli(node, "lnd", "getinfo"))["identity_pubkey"]
    # What a backup has, and a restore brings back: the channel backup as it is now.
    podman("unshare", "cp", f"{volume(node, 'proofs')}/channel.backup", f"{node.root}/old.backup")
    peer = (await lncli(node, "peer", "getinfo"))["identity_pubkey"]
    await lncli(node, "lnd", "openchannel", peer, str(SECOND))
    await node.execute("bitcoin-knots", *MINE, "6")
    both = await until(node, "lnd", lambda found: len(found["channels"]) == 2, "listchannels", "--active_only")
    (second,) = {each["channel_point"] for each in both["channels"]} - {first}
    await _copied(node, second)
    before = int((await lncli(node, "lnd", "walletbalance"))["total_balance"])

    await node.done(await node.call("container-stop", app="lnd"))
    podman("unshare", "find", volume(node, "state"), "-mindepth", "1", "-delete")
    podman("unshare", "cp", f"{node.root}/old.backup", f"{volume(node, 'proofs')}/channel.backup")
    operation = await node.ended(await node.call("container-start", app="lnd"))
    assert operation["state"] == "failed" and "may not be run" in operation["error"]["message"], operation
    contested = await node.call("data-contested", app="lnd")
    await node.call("data-claim", app="lnd", evidence=[each["evidence"] for each in contested])
    await node.done(await node.call("container-start", app="lnd"))
    await node.until("lnd", "healthy")
    assert (await lncli(node, "lnd", "getinfo"))["identity_pubkey"] == key, "the words make the same wallet"
    await until(node, "lnd", lambda found: first in str(found), "pendingchannels")
    assert second not in str(await lncli(node, "lnd", "pendingchannels")), "the backup knows nothing of it"

    command = _documented_command()
    assert command[:3] == ["archipelago", "repair", "lnd"]
    preview = await node.call("repair-preview", app="lnd", repair=command[3])
    assert preview["funds"] and "copies that the node has kept" in str(preview["effects"])
    await node.done(await node.call("container-repair", app="lnd", repair=command[3]))
    await node.until("lnd", "healthy")
    await connected(node)
    for point in (first, second):
        await until(node, "peer", lambda found, point=point: point in str(found), "pendingchannels")
    gained = CHANNEL - PUSHED + SECOND - 200_000
    for _ in range(100):  # the closes, then the payments from them to the wallet
        await node.execute("bitcoin-knots", *MINE, "1")
        if int((await lncli(node, "lnd", "walletbalance"))["confirmed_balance"]) > before + gained:
            break
    else:
        raise AssertionError(await lncli(node, "lnd", "pendingchannels"))
    assert not podman("unshare", "ls", f"{volume(node, 'proofs')}/recover").split(), "each copy was taken"


async def test_the_command_does_nothing_where_no_channels_were_lost(node: TestNode) -> None:
    peer = (await lncli(node, "peer", "getinfo"))["identity_pubkey"]
    await connected(node)
    await lncli(node, "lnd", "openchannel", peer, str(SECOND))
    await node.execute("bitcoin-knots", *MINE, "6")
    opened = (await until(node, "lnd", lambda found: found["channels"], "listchannels", "--active_only"))["channels"]
    await _copied(node, opened[0]["channel_point"])
    await node.done(await node.call("container-repair", app="lnd", repair="recover_channels"))
    await node.until("lnd", "healthy")
    assert "recover" not in podman("unshare", "ls", volume(node, "proofs")).split(), "the copies were not given to LND"
    await connected(node)
    await until(node, "lnd", lambda found: found["channels"], "listchannels", "--active_only")
    await pay(node, "lnd", "peer", 10_000)


async def _copied(node: TestNode, point: str) -> None:
    """Wait until the node has a copy of the channel backup that knows a channel."""
    said = ""
    for _ in range(200):
        newest = podman("unshare", "sh", "-c", f"ls {node.root}/apps/lnd/streams/*/* | tail -n 1").strip()
        text = podman("unshare", "sh", "-c", f"od -An -v -tx1 {shlex.quote(newest)} | tr -d ' \\n'")
        said = str(await lncli(node, "lnd", "verifychanbackup", "--multi_backup", text))
        if point in said:
            return
    raise AssertionError(said)


def _documented_command() -> list[str]:
    """Return the command by which LND takes the newest copies, as the docs have it."""
    text = (CHECKOUT / "docs/backups.md").read_text()
    (found,) = re.findall(r"```\n(archipelago repair lnd .*)\n```", text)
    return shlex.split(found)

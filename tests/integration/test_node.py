"""One real node with the five real apps, used as an owner and his wallets would use it."""

import asyncio
import base64
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from coincurve import PrivateKey

from support.app_visit import visiting
from support.harness import APPS_AT, RpcError, TestNode, podman, remove_leftovers, running_node
from support.secret_places import holding
from support.tiny_apps import write_app

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(1200),
    pytest.mark.long,
    pytest.mark.lane(1),
]
USED = {
    "bitcoin-knots": "mines on regtest; the node says the same of its chain, and a consumer calls what its role may",
    "electrumx": "a wallet's server has the blocks that Bitcoin Knots has just mined",
    "nostr-relay": "a signed event is published and read back",
    "specter": "its page has the chain of the node, behind the node's login",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoin-knots on regtest; the tests of this module build on each other's apps."""
    remove_leftovers()
    async with running_node("apps") as running:
        await running.install("bitcoin-knots", options={"network": "regtest"})
        yield running


async def installed(node: TestNode, app: str) -> None:
    """Make sure of an app, whichever test comes first, and that no app is still starting since the node restarted."""
    apps = await node.call("container-list")
    if app not in {each["app"] for each in apps}:
        await node.install(app)
    for each in apps:
        if each["desired"] == "running":
            await node.until(each["app"], "healthy", "syncing")


async def electrum(port: int, method: str, *params: Any) -> Any:
    """Ask an Electrum server, by its own protocol (electrum-protocol.readthedocs.io)."""
    reader, writer = await asyncio.open_connection(APPS_AT, port)
    with contextlib.closing(writer):
        for number, (name, arguments) in enumerate((("server.version", ["test", "1.4"]), (method, list(params)))):
            request = {"jsonrpc": "2.0", "id": number, "method": name, "params": arguments}
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readline())
            while answer.get("id") != number:
                answer = json.loads(await reader.readline())
        return answer["result"]


async def endpoint(node: TestNode, app: str, name: str) -> str:
    """Return where an endpoint is reached."""
    status = await node.call("container-status", app=app)
    return next(str(each["address"]) for each in status["endpoints"] if each["name"] == name)


async def starts(node: TestNode) -> dict[str, str]:
    """Return when each app's container was started."""
    apps = [each["app"] for each in await node.call("container-list")]
    return {app: (await node.call("container-status", app=app))["containers"][0]["started_at"] for app in apps}


async def test_mined_blocks_arrive_through_the_electrum_server(node: TestNode) -> None:
    await installed(node, "electrumx")
    await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "-generate", "5")
    height = int(await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount"))
    await node.until("electrumx", "healthy")
    port = int((await endpoint(node, "electrumx", "electrum")).rsplit(":", 1)[1])
    async with asyncio.timeout(60):
        while (await electrum(port, "blockchain.headers.subscribe"))["height"] < height:
            await asyncio.sleep(0.2)  # ElectrumX asks its daemon for new blocks every few seconds
    options = (await node.call("container-status", app="bitcoin-knots"))["options"]
    assert options["txindex"] is True, "demanded by electrumx"


async def test_the_node_reports_what_bitcoind_says_of_its_chain(node: TestNode) -> None:
    await node.until("bitcoin-knots", "healthy")
    cli = ("bitcoin-cli", "-regtest")
    # The report may be ten seconds old, and the chain is made before it is asked for first.
    await node.execute("bitcoin-knots", *cli, "-generate", "7")
    height = int(await node.execute("bitcoin-knots", *cli, "getblockcount"))
    async with asyncio.timeout(100):
        while (report := await node.call("chain-report", app="bitcoin-knots"))["height"] != height:
            await asyncio.sleep(0.5)
    assert (report["running"], report["phase"], report["headers"], report["percent"]) == (True, "done", height, 100)
    assert [block["height"] for block in report["blocks"]] == list(range(height, height - 6, -1))
    newest = json.loads(await node.execute("bitcoin-knots", *cli, "getblockstats", str(height)))
    block = report["blocks"][0]
    assert datetime.fromisoformat(block["time"]).timestamp() == newest["time"]
    assert block["transactions"] == newest["txs"]
    assert block["weight_share"] == round(newest["total_weight"] / 4_000_000, 4)
    assert report["peers"] == {"inbound": 0, "outbound": 0, "over_tor": 0}
    assert report["mempool"] == {"transactions": 0, "bytes": 0}
    assert (report["fees"], report["pruned"]) == (None, False)
    assert (
        report["disk_bytes"]
        == json.loads(await node.execute("bitcoin-knots", *cli, "getblockchaininfo"))["size_on_disk"]
    )
    # Many pages that are open cost one question.
    reports = await asyncio.gather(*(node.call("chain-report", app="bitcoin-knots") for _ in range(20)))
    assert len({each["at"] for each in reports}) <= 2
    await installed(node, "electrumx")
    with pytest.raises(RpcError, match="electrumx follows no chain"):
        await node.call("chain-report", app="electrumx")


async def test_the_list_says_what_uses_what_and_how_much_they_talk(node: TestNode) -> None:
    await installed(node, "electrumx")
    await node.until("electrumx", "healthy")
    apps = {each["app"]: each for each in await node.call("container-list")}
    assert [(one["interface"], one["app"], one["optional"]) for one in apps["electrumx"]["uses"]] == [
        ("bitcoin-rpc", "bitcoin-knots", False)
    ]
    assert (apps["bitcoin-knots"]["uses"], apps["bitcoin-knots"]["category"]) == ([], "bitcoin")
    # The server asks bitcoind for new blocks every few seconds, and a sample is taken every ten.
    async with asyncio.timeout(200):
        while not all(one["traffic"] for one in apps["electrumx"]["uses"]) or apps["electrumx"]["traffic"] is None:
            await asyncio.sleep(0.5)
            apps = {each["app"]: each for each in await node.call("container-list")}
        # All that it exchanges with bitcoind is a part of what it exchanges at all, whichever of its networks is first.
        # In the ten seconds before the newest point, it may have come to nothing, where the machine is busy.
        while not any(
            point["received"] > 0 and point["sent"] > 0
            for point in (await node.call("container-metrics", app="electrumx"))["points"][-1:]
        ):
            await asyncio.sleep(0.5)


async def test_what_the_host_uses_and_what_takes_its_disk(node: TestNode) -> None:
    async with asyncio.timeout(200):  # a sample is taken every ten seconds
        while not (history := await node.call("system-history"))["points"]:
            await asyncio.sleep(0.5)
    point = history["points"][-1]
    assert 0 <= point["cpu"] <= 1
    assert 0 < point["memory_used"] < history["memory_total"] and 0 < point["disk_used"] < history["disk_total"]
    assert (await node.call("system-history", span="day"))["step"] == 300
    async with asyncio.timeout(200):  # the first who asks has it counted
        while (report := await node.call("system-disk"))["counting"]:
            await asyncio.sleep(0.2)
    apps = {each["app"]: each for each in report["apps"]}
    assert apps["bitcoin-knots"]["counted"] and 1 << 20 < apps["bitcoin-knots"]["bytes"] < 1 << 32
    assert (await node.call("system-disk"))["apps"] == report["apps"], "a count does for ten minutes"


@pytest.mark.parametrize(
    ("role", "allowed", "forbidden"),
    [
        ("read", ("getblockcount", "getmempoolinfo"), ("stop", "dumpprivkey", "listwallets", "getmemoryinfo")),
        ("wallet", ("getblockcount", "listwallets"), ("stop", "dumpprivkey", "listdescriptors", "getmemoryinfo")),
        ("full", ("getblockcount", "listwallets", "getmemoryinfo"), ()),
    ],
)
async def test_a_consumer_may_call_what_its_role_says_and_nothing_else(
    node: TestNode, role: str, allowed: tuple[str, ...], forbidden: tuple[str, ...]
) -> None:
    assert node.apps is not None
    app = f"as-{role}"
    write_app(node.apps, app, more=f"requires: {{bitcoin-rpc: {{wait: serving, role: {role}}}}}")
    manifest = node.apps / app / "manifest.yml"
    login = "init: true\n    files: [{path: /etc/login, template: login.j2}]"
    manifest.write_text(manifest.read_text().replace("init: true", login))
    (node.apps / app / "login.j2").write_text(
        "{% set node = requires['bitcoin-rpc'] %}{{ node.user }}:{{ node.password }}"
    )
    await node.install(app)
    token = base64.b64encode(
        podman("exec", f"archipelago-{app}--main", "busybox", "cat", "/etc/login").encode()
    ).decode()

    async def answer(method: str) -> str:
        """Call bitcoind as the app; return the status line of a refusal, or the answer."""
        request = json.dumps({"jsonrpc": "1.0", "id": 1, "method": method, "params": []})
        command = ["busybox", "wget", "-q", "-O", "-", "--header", f"Authorization: Basic {token}"]
        command += ["--post-data", request, "http://bitcoin-rpc:8332/"]
        result = await node.call("container-exec", app=app, command=command)
        return str(result["stdout"] or result["stderr"])

    for method in allowed:
        assert json.loads(await answer(method))["error"] is None, method
    for method in forbidden:
        assert "403 Forbidden" in await answer(method), method
    await node.done(await node.call("container-remove", app=app, delete_data=True))


async def test_an_event_is_published_and_read_back_through_the_relay(node: TestNode) -> None:
    await installed(node, "nostr-relay")
    key = PrivateKey()
    event = signed_event(key, "written by a test")
    async with aiohttp.ClientSession() as session:
        address = await endpoint(node, "nostr-relay", "relay")
        async with session.ws_connect(address) as socket:
            await socket.send_json(["EVENT", event])
            async with asyncio.timeout(30):
                answer = await socket.receive_json()
                while answer[0] != "OK":
                    answer = await socket.receive_json()
            assert answer[:3] == ["OK", event["id"], True], answer
            await socket.send_json(["REQ", "mine", {"authors": [event["pubkey"]]}])
            async with asyncio.timeout(30):
                answer = await socket.receive_json()
                while answer[0] != "EVENT":
                    answer = await socket.receive_json()
    assert answer[2]["content"] == "written by a test"


def signed_event(key: PrivateKey, content: str) -> dict[str, Any]:
    """Return a signed text note (NIP-01)."""
    import hashlib

    pubkey = key.public_key.format(compressed=True)[1:].hex()
    created = int(time.time())
    serialized = json.dumps([0, pubkey, created, 1, [], content], separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(serialized.encode()).digest()
    return {
        "id": digest.hex(),
        "pubkey": pubkey,
        "created_at": created,
        "kind": 1,
        "tags": [],
        "content": content,
        "sig": key.sign_schnorr(digest).hex(),
    }


async def test_specter_reports_the_chain_of_the_node_and_tor_says_how_far_it_is(node: TestNode) -> None:
    await installed(node, "specter")
    await installed(node, "tor")
    page = await endpoint(node, "specter", "page")
    # Mined now: Specter must ask the node for it, and may not know it from its start. It is set up without a login.
    await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "-generate", "2")
    height = int(await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount"))
    best = (await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getbestblockhash")).strip()
    async with visiting(node, page) as owner:
        status, _, body = await owner.get("/wallets/get_txout_set_info")
        told = json.loads(body)
        assert (status, told["height"], told["bestblock"]) == (200, height, best)
        # The panel about the node on each page is of Specter's last look at it, and is there only while it answers.
        status, answer, body = await owner.get("/")
        while status in (302, 303):
            status, answer, body = await owner.get(urlsplit(answer.headers["Location"]).path)
        assert status == 200
        text = " ".join(re.sub(r"<[^>]*>", " ", body.decode()).split())
        assert re.search(r"Network regtest Blocks count \d+ Host bitcoin-rpc Port 8332", text)
    # There is no network of Tor here that it could connect to.
    health = (await node.until("tor", "syncing"))["health"]
    assert re.fullmatch(r"connecting \d{1,2} %", health["reason"])


async def test_a_changed_option_restarts_exactly_what_it_must(node: TestNode) -> None:
    await installed(node, "nostr-relay")
    before = await starts(node)
    operation = await node.call("container-config", app="nostr-relay", options={"name": "Another name"})
    await node.done(operation)
    after = await starts(node)
    assert after.pop("nostr-relay") != before.pop("nostr-relay")
    assert after == before
    with pytest.raises(RpcError) as refused:
        await node.call("container-config", app="nostr-relay", options={"max_event_size": 1})
    assert "4096" in refused.value.message
    assert {**after, "nostr-relay": (await starts(node))["nostr-relay"]} == await starts(node)


async def test_a_provider_stops_after_its_dependents_and_brings_them_back(node: TestNode) -> None:
    await installed(node, "electrumx")
    began = datetime.now(UTC).isoformat()
    await node.done(await node.call("container-stop", app="bitcoin-knots"))
    status = await node.call("container-status", app="electrumx")
    assert status["health"]["state"] == "stopped"
    assert status["desired"] == "running"
    ended = podman(
        *("events", "--stream=false", "--since", began, "--filter", "event=died", "--format", "{{.Name}}")
    ).splitlines()
    last = [name for name in ended if name in ("archipelago-electrumx--main", "archipelago-bitcoin-knots--main")]
    # Podman counts whole seconds: what a test before has restarted may have died in this one too.
    assert last[-2:] == ["archipelago-electrumx--main", "archipelago-bitcoin-knots--main"]
    await node.done(await node.call("container-start", app="electrumx"))
    assert (await node.until("electrumx", "healthy"))["health"]["state"] == "healthy"


async def test_a_dead_container_comes_back_with_its_last_words_kept(node: TestNode) -> None:
    await installed(node, "nostr-relay")
    await node.until("nostr-relay", "healthy")
    before = (await starts(node))["bitcoin-knots"]
    podman("kill", "--signal", "KILL", "archipelago-nostr-relay--main")
    async with asyncio.timeout(100):
        while (status := await node.call("container-status", app="nostr-relay"))["health"]["failure"] is None:
            await asyncio.sleep(0.05)
    assert status["health"]["failure"]["exit_code"] == 137
    assert status["health"]["failure"]["logs"]
    await node.until("nostr-relay", "healthy")
    assert (await starts(node))["bitcoin-knots"] == before


async def test_a_removed_app_leaves_nothing_but_its_data_and_finds_it_again(node: TestNode) -> None:
    await installed(node, "nostr-relay")
    with pytest.raises(RpcError) as refused:
        await node.call("container-remove", app="bitcoin-knots")
    assert "electrumx" in refused.value.message or "specter" in refused.value.message
    preview = await node.call("removal-preview", app="bitcoin-knots")
    assert {"electrumx", "specter"} & set(preview["needed_by"])
    volumes = {volume["name"]: volume for volume in preview["volumes"]}
    assert volumes["wallets"]["funds"] and not volumes["chain"]["funds"]
    assert volumes["chain"]["counted"] and 1 << 20 < volumes["chain"]["size"] < 1 << 32
    assert preview["secrets"] >= 1
    slot = podman("inspect", "archipelago-nostr-relay--main", "--format", "{{json .HostConfig.IDMappings}}")
    await node.done(await node.call("container-remove", app="nostr-relay"))
    assert podman("ps", "-aq", "--filter", "label=io.archipelago.app=nostr-relay") == ""
    assert "archipelago-nostr-relay" not in podman("network", "ls", "--format", "{{.Name}}").split()
    assert (node.root / "apps" / "nostr-relay").exists()
    await node.install("nostr-relay")
    again = podman("inspect", "archipelago-nostr-relay--main", "--format", "{{json .HostConfig.IDMappings}}")
    assert again == slot
    await node.done(await node.call("container-remove", app="nostr-relay", delete_data=True))
    assert not (node.root / "apps" / "nostr-relay").exists()


async def test_the_daemon_is_killed_and_the_next_one_adopts_what_runs(node: TestNode) -> None:
    await installed(node, "bitcoin-knots")
    before = await starts(node)
    node.kill()
    await node.start()
    for app in before:
        await node.until(app, "healthy", "syncing")
    assert await starts(node) == before


async def test_an_orderly_stop_ends_everything_and_the_next_start_brings_it_back(node: TestNode) -> None:
    height = await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount")
    await node.stop()
    assert podman("ps", "-q", "--filter", f"label=io.archipelago.node={node.node_id()}") == ""
    await node.start()
    await node.until("bitcoin-knots", "healthy")
    assert await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getblockcount") == height


async def test_options_are_told_before_an_app_is_installed(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "planned", more="options: {size: {type: int, label: Size, default: 2, maximum: 4}}\n")
    (option,) = await node.call("option-list", app="planned")
    assert (option["name"], option["value"], option["maximum"], option["set_by_owner"]) == ("size", 2, 4, False)
    with pytest.raises(RpcError, match="nothing-of-the-kind"):
        await node.call("option-list", app="nothing-of-the-kind")


async def test_requests_that_make_no_sense_change_nothing(node: TestNode) -> None:
    await installed(node, "electrumx")  # which does not do with a pruned chain
    before = await starts(node)
    for method, parameters, name in (
        ("container-install", {"app": "bitcoin-nots"}, "unknown-app"),
        ("container-install", {"app": "bitcoin-knots"}, "already-installed"),
        ("container-status", {"app": "no-such-app"}, "unknown-app"),
        ("container-config", {"app": "bitcoin-knots", "options": {"prune": 550}}, None),
        ("container-config", {"app": "bitcoin-knots", "options": {"prune": -1}}, "invalid-option"),
        ("operation-get", {"id": "nothing"}, "unknown-operation"),
    ):
        with pytest.raises(RpcError) as refused:
            await node.call(method, **parameters)
        assert name is None or refused.value.data["name"] == name, refused.value
        assert refused.value.message
    assert await starts(node) == before


async def test_no_secret_is_in_the_clear_where_podman_or_the_disk_can_show_it(node: TestNode) -> None:
    await installed(node, "electrumx")
    shown = podman("inspect", "archipelago-bitcoin-knots--main", "archipelago-electrumx--main")
    login = podman("unshare", "cat", f"{node.runtime}/files/electrumx/main/0-environment")
    password = login.split(":")[2].split("@")[0]
    assert len(password) == 64
    assert password not in shown
    storage = Path(podman("info", "--format", "{{.Store.GraphRoot}}"))
    places = [str(node.root), *(str(storage / part) for part in ("overlay-containers", "libpod"))]
    # Specter's copy lies on a tmpfs of its container.
    assert await asyncio.to_thread(holding, [password], *places, since=node.root / "identity.key") == set()

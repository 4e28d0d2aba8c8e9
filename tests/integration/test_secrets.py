"""Secrets at a real node: nowhere in the clear, made anew without harm, and locked away by a passphrase."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archipelago.security.keys.key_files import private_pem
from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.secret_places import holding
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

PASSPHRASE = "correct horse battery staple"
KINDS = ("password", "hex", "token", "keypair")
ALL_EVENTS = {"revision": 0, "limit": 1000}
"""How many there are depends on how long things take."""
_SECRETS = "secrets: {" + ", ".join(f"{kind}: {{kind: {kind}}}" for kind in KINDS) + "}\n"
_FILES = "files: [{path: /etc/secrets, template: secrets.j2}]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that has a secret of each kind, and a consumer with a login at it."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    health = f"health: {{probe: {{type: tcp, port: 8000}}}}\n    {_FILES}"
    offers = "provides: {keeper-rpc: {container: main, port: 8000, credentials: rpcauth}}\n"
    write_app(catalog, "keeper", health=health, more=_SECRETS + offers)
    template = "".join(f"{{{{ secrets.{kind} }}}}\n" for kind in KINDS)
    template += "{% for one in consumers['keeper-rpc'] %}{{ one.rpcauth }}\n{% endfor %}"
    (catalog / "keeper" / "secrets.j2").write_text(template)
    write_app(catalog, "user", health=health, more="requires: {keeper-rpc: {wait: started}}\n")
    (catalog / "user" / "secrets.j2").write_text("{{ requires['keeper-rpc'].password }}\n")
    variables = 'secret_environment: {PASS: "{{ requires[\'keeper-rpc\'].password }}", ODD: "it\'s $HOME \\"x\\""}'
    write_app(
        catalog,
        "insister",
        health=f"health: {{probe: {{type: tcp, port: 8000}}}}\n    {variables}",
        more="requires: {keeper-rpc: {wait: started}}\n",
    )
    write_app(catalog, "bystander")
    write_tellers(catalog)
    async with running_node("secrets", apps=catalog) as running:
        for app in ("keeper", "user", "insister", "bystander"):
            await running.install(app)
        yield running


ANSWER = """
while read -r line; do
  line=${line%$(printf '\\r')}
  case $line in
    Content-Length:*) size=${line#*: } ;;
    '') break ;;
  esac
done
head -c "$size" >/dev/null
printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'
cat /etc/told
"""
"""Reads a request of HTTP, for else the connection would be reset, and answers with a file."""


def write_tellers(catalog: Path) -> None:
    """Write two apps that tell whoever probes them their secret: one by a command, one as the name of its chain."""
    token = "secrets: {token: {kind: token}}\n"
    told = "{path: /etc/told, template: told.j2}"
    say = "[/usr/bin/busybox, sh, -c, 'cat /etc/told; exit 75']"
    health = f"health: {{probe: {{type: exec, command: {say}}}}}\n    files: [{told}]"
    write_app(catalog, "teller", health=health, more=token)
    (catalog / "teller" / "told.j2").write_text("Authorization: Bearer {{ secrets.token }}\n")
    probe = "health: {probe: {type: chain, port: 8000, secret: token}, start_timeout: 20s}"
    write_app(
        catalog,
        "chain",
        command='[nc, -ll, -p, "8000", -e, /usr/bin/busybox, sh, /etc/answer]',
        health=f"{probe}\n    files: [{told}, {{path: /etc/answer, template: answer}}]",
        more=token,
    )
    (catalog / "chain" / "answer").write_text(ANSWER)
    result = {"chain": "{{ secrets.token }}", "blocks": 1, "headers": 5, "initialblockdownload": True}
    answer = [{"id": "getblockchaininfo", "result": result | {"verificationprogress": 0.1}}]
    (catalog / "chain" / "told.j2").write_text(json.dumps(answer))


async def values(node: TestNode) -> dict[str, str]:
    """Return every secret of the node, by name."""
    names = [one["name"] for one in await node.call("secret-list", app="keeper")]
    return {name: await node.call("secret-show", app="keeper", name=name) for name in names}


def shapes(value: str) -> list[str]:
    """Return a secret as it may lie about: raw, in hexadecimal, and in base64 at each of its three alignments."""
    found = [value, value.encode().hex()]
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + value.encode()).decode()
        # What the neighbours of the secret have a part in is cut off at both ends.
        inner = text[4 if shift else 0 : -4]
        found += [inner, inner.replace("+", "-").replace("/", "_")]
    return found


def places(node: TestNode) -> list[str]:
    """Return every directory on disk where the node or Podman could leave something."""
    # The service user's home: the data root, Podman's storage, and temporary files of both.
    home = os.environ["HOME"]
    assert str(node.root).startswith(home) and podman("info", "--format", "{{.Store.GraphRoot}}").startswith(home)
    return [home]


def of_before(node: TestNode) -> Path:
    """Return a file that was written before the node had a secret."""
    assert node.apps is not None
    return node.apps / "keeper" / "secrets.j2"


def inside(app: str, *command: str) -> str:
    """Run a command in a container past the node, which would take the secrets out of what it prints."""
    return podman("exec", f"archipelago-{app}--main", "busybox", *command)


async def starts(node: TestNode) -> dict[str, str]:
    """Return since when each app runs."""
    names = [f"archipelago-{app}--main" for app in ("keeper", "user", "bystander")]
    return dict(zip(names, podman("inspect", "--format", "{{.State.StartedAt}}", *names).split("\n"), strict=True))


async def test_no_secret_lies_anywhere_in_the_clear(node: TestNode) -> None:
    found = await values(node)
    assert set(found) == {*KINDS, "edge.keeper-rpc.user", "edge.keeper-rpc.insister"} and all(
        len(value) >= 32 for value in found.values()
    )
    found["keypair"] = found["keypair"].splitlines()[1]  # what stands in its frame
    texts = [shape for value in found.values() for shape in shapes(value)]
    seen = inside("keeper", "cat", "/etc/secrets")
    assert all(found[kind] in seen for kind in KINDS), "the app has them"
    assert inside("user", "cat", "/etc/secrets") == found["edge.keeper-rpc.user"]
    assert await asyncio.to_thread(holding, texts, *places(node), since=of_before(node)) == set()
    told = [podman("inspect", "archipelago-keeper--main", "archipelago-user--main"), node.log()]
    for method in ("events-since", "operation-list", "audit-show", "container-list", "system-info"):
        told.append(str(await node.call(method, **(ALL_EVENTS if method == "events-since" else {}))))
    assert [text for text in texts if any(text in each for each in told)] == []
    # The same scan finds a secret that is there, however it is written.
    planted = node.root / "planted"
    for shape in shapes(found["password"]):
        planted.write_bytes(b"\0" * (1 << 20) + b"xy" + shape.encode() + b"z")
        assert await asyncio.to_thread(holding, texts, str(node.root), since=of_before(node)) == {str(planted)}
    planted.unlink()


async def test_what_an_app_tells_a_probe_is_told_on_without_its_secrets(node: TestNode) -> None:
    for app in ("teller", "chain"):
        await node.install(app)
    status = await node.until("teller", "syncing")
    assert status["health"]["reason"] == "Authorization: Bearer ***"
    assert (await node.until("chain", "syncing"))["chain"]["chain"] == "***"
    secrets = []
    for app in ("teller", "chain"):
        secrets.append(await node.call("secret-show", app=app, name="token"))
        assert secrets[-1] in inside(app, "cat", "/etc/told")
    # A stop and a start pass through every reason that there is.
    await node.done(await node.call("container-restart", app="teller"))
    await node.until("teller", "syncing")
    told = [node.log()]
    for method, parameters in (
        ("container-status", {"app": "teller"}),
        ("container-status", {"app": "chain"}),
        ("container-list", {}),
        ("container-health", {"app": "teller"}),
        ("health-history", {"app": "teller"}),
        ("config-history", {"app": "teller"}),
        ("operation-list", {}),
        ("events-since", ALL_EVENTS),
        ("audit-show", {}),
    ):
        told.append(str(await node.call(method, **parameters)))
    assert "***" in told[1] and "***" in told[3] and "***" in told[8]
    texts = [shape for secret in secrets for shape in shapes(secret)]
    assert [text for text in texts if any(text in each for each in told)] == []
    assert await asyncio.to_thread(holding, texts, *places(node), since=of_before(node)) == set()


async def test_a_program_that_insists_gets_its_secrets_as_variables_and_its_talk_of_them_is_hidden(
    node: TestNode,
) -> None:
    password = (await values(node))["edge.keeper-rpc.insister"]
    variables = inside("insister", "sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'") + "\n"
    assert f"PASS={password}\n" in variables and 'ODD=it\'s $HOME "x"\n' in variables
    inspected = podman("inspect", "archipelago-insister--main")
    assert password not in inspected and "PASS" not in inspected
    await node.execute("insister", "busybox", "sh", "-c", f"echo I was told {password} >/proc/1/fd/1")
    async with asyncio.timeout(60):
        lines: list[dict[str, Any]] = []
        while not any("I was told ***" in each["text"] for each in lines):
            lines = await node.call("container-logs", app="insister")
            await asyncio.sleep(0.05)  # conmon writes it down in its own time
    assert password not in str(lines)
    # What an app itself writes into its log goes with its container.
    await node.done(await node.call("container-remove", app="insister"))
    assert await asyncio.to_thread(holding, [password], *places(node), since=of_before(node)) == set()
    await node.install("insister")


async def test_rotation_makes_anew_what_uses_the_secret_and_nothing_else(node: TestNode) -> None:
    before, since = await values(node), await starts(node)
    login = "edge.keeper-rpc.user"
    assert (await node.call("secret-preview", app="keeper", name="hex"))["restarts"] == []
    assert (await node.call("secret-preview", app="keeper", name=login))["restarts"] == ["user"]
    with pytest.raises(RpcError, match="user would now be stopped, restarted or installed as well"):
        await node.call("secret-rotate", app="keeper", name=login, agreed=[])
    await node.done(await node.call("secret-rotate", app="keeper", name="hex", agreed=[]))
    after, then = await values(node), await starts(node)
    assert {name for name in after if after[name] != before[name]} == {"hex"}
    assert after["hex"] in inside("keeper", "cat", "/etc/secrets")
    assert {name for name in then if then[name] != since[name]} == {"archipelago-keeper--main"}
    await node.done(await node.call("secret-rotate", app="keeper", name=login, agreed=["user"]))
    password = await node.call("secret-show", app="keeper", name="edge.keeper-rpc.user")
    assert password != before["edge.keeper-rpc.user"]
    assert inside("user", "cat", "/etc/secrets") == password
    assert (await starts(node))["archipelago-bystander--main"] == since["archipelago-bystander--main"]


async def test_the_owner_gives_a_secret_of_his_own(node: TestNode) -> None:
    await node.done(await node.call("secret-set", app="keeper", name="password", value="my own password"))
    assert "my own password" in inside("keeper", "cat", "/etc/secrets").splitlines()
    shown = await node.execute("keeper", "busybox", "cat", "/etc/secrets")
    assert "my own password" not in shown and "***" in shown
    # A key of several lines comes and goes byte for byte.
    key = private_pem(Ed25519PrivateKey.generate())
    await node.done(await node.call("secret-set", app="keeper", name="keypair", value=key))
    assert await node.call("secret-show", app="keeper", name="keypair") == key and key in inside(
        "keeper", "cat", "/etc/secrets"
    )
    for name, value in (
        ("nothing", "x"),
        ("edge.keeper-rpc.user", "x"),
        ("password", "two\nlines"),
        ("keypair", "x"),
        ("../../x", "x"),
    ):
        with pytest.raises(RpcError) as refused:
            await node.call("secret-set", app="keeper", name=name, value=value)
        assert value not in refused.value.message or value == "x"
    entries = str(await node.call("audit-show", limit=200))
    told = str(await node.call("operation-list")) + str(await node.call("events-since", **ALL_EVENTS))
    assert "my own password" not in told
    assert "secret-set" in entries and "secret-show" in entries and "my own password" not in entries


async def test_files_with_secrets_are_gone_when_the_app_stops(node: TestNode) -> None:
    folder = f"{node.runtime}/files/keeper"
    assert podman("unshare", "ls", folder)
    node.kill()
    await node.start()
    await node.done(await node.call("container-stop", app="keeper"))
    assert subprocess.run(["podman", "unshare", "ls", folder], capture_output=True).returncode != 0
    await node.done(await node.call("container-start", app="user"))
    await node.until("user", "healthy")


async def test_a_node_with_a_passphrase_waits_to_be_unlocked_and_its_apps_go_on(node: TestNode) -> None:
    before, since = await values(node), await starts(node)
    words = await node.call("key-phrase")
    await node.call("key-protect", passphrase=PASSPHRASE)
    assert await node.call("key-status") == {"state": "unlocked"}
    assert not (node.root / "node.key").exists()
    node.kill()
    await restart(node)
    assert await node.call("key-status") == {"state": "locked"}
    for method in ("container-list", "secret-list", "key-phrase", "system-info"):
        with pytest.raises(RpcError) as refused:
            await node.call(method, **({"app": "keeper"} if method == "secret-list" else {}))
        assert refused.value.data["name"] == "locked"
    assert await starts(node) == since
    with pytest.raises(RpcError) as refused:
        await node.call("key-unlock", passphrase="not this one, surely")
    assert refused.value.data["name"] == "wrong-credentials"
    await node.call("key-unlock", passphrase=PASSPHRASE)
    await until_up(node)
    assert await values(node) == before and await starts(node) == since
    assert await node.call("key-phrase", current=PASSPHRASE) == words
    # By a file, as an unattended machine does it; then the key is lost, and comes back by its words.
    file = node.root.parent / "passphrase"
    file.touch(mode=0o600)
    file.write_text(f"{PASSPHRASE}\n")
    node.environment["ARCHIPELAGO_PASSPHRASE_FILE"] = str(file)
    node.kill()
    await node.start()
    await node.call("key-unprotect", current=PASSPHRASE)
    node.kill()
    os.remove(node.root / "node.key")
    await restart(node)
    assert await node.call("key-status") == {"state": "missing"}
    await node.call("key-restore", words=words)
    await until_up(node)
    assert await values(node) == before and await starts(node) == since
    log = await node.call("audit-verify")
    assert log["faults"] == []
    assert {"key-unlock", "key-restore", "key-protect"} <= {
        one["action"] for one in await node.call("audit-show", limit=500)
    }


async def restart(node: TestNode) -> None:
    """Start the daemon, and require that it is locked."""
    with pytest.raises(RpcError) as refused:
        await node.start()
    assert refused.value.data["name"] == "locked"


async def until_up(node: TestNode) -> None:
    """Return when the node, just unlocked, answers to everything."""
    async with asyncio.timeout(60):
        while True:
            try:
                await node.call("system-info")
                return
            except (OSError, RpcError, aiohttp.ClientError):
                await asyncio.sleep(0.05)  # its socket goes, also under a call, and comes again

"""Apps whose author is hostile: what their folders, templates and programs try against the node and against other apps.

A canary lies in the data root, and each app has secrets. Neither may appear in any answer, log, file or image.
"""

import asyncio
import base64
import json
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import ROOT, RpcError, TestNode, podman, remove_leftovers
from support.secret_places import holding
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

CANARY = f"canary-{secrets.token_hex(16)}"
HANG = "{% for i in range(9999) %}{{ range(9999) | map('string') | select | list | length }}{% endfor %}"
BOMB = "{% set a = range(9999) | join %}{% set b = a" + " ~ a" * 25 + " %}"
BOMB += "".join(f"{{% set c{number} = b | list | map('list') | list %}}" for number in range(9))
OPTION = "options: {hang: {type: bool, label: Hang, default: false}}\n"
TATTLE = """
for each in cat tr base64 od sed sleep; do alias $each="busybox $each"; done
key=$(cat /etc/key)
while :; do
  echo "raw $key"
  echo "upper $(echo $key | tr a-z A-Z)"
  for user in a ab abc; do echo "Authorization: Basic $(printf '%s:%s' $user "$key" | base64 | tr -d '\\n')"; done
  echo "escaped $(printf %s "$key" | od -An -v -tx1 | tr -d '\\n' | sed 's/ /%/g')"
  echo "dumped $(printf %s "$key" | od -An -v -tx1 | tr -d '\\n')"
  sleep 0.2
done
"""


class HostileNode(TestNode):
    """A node of which all answers are kept."""

    __test__ = False

    async def call(self, method: str, **parameters: Any) -> Any:
        try:
            answer = await super().call(method, **parameters)
        except RpcError as error:
            self.told.append(f"{error.message} {error.data}")
            raise
        if method != "secret-show":
            self.told.append(json.dumps(answer))
        return answer

    @property
    def told(self) -> list[str]:
        """All answers until now."""
        return self.__dict__.setdefault("_told", [])  # type: ignore[no-any-return]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[HostileNode]:
    """A node with a decent app that runs, and with the folders of hostile ones."""
    remove_leftovers()
    apps = ROOT / "hostile.apps"
    apps.mkdir(parents=True)
    node = HostileNode("hostile", apps=apps)
    node.root.mkdir(parents=True)
    (node.root / "canary").write_text(CANARY)
    write_app(apps, "decent", more=OPTION)
    write_hostile(apps, node.root / "canary")
    try:
        await node.start()
        await node.install("decent")
        yield node
    finally:
        await node.destroy()
        podman("unshare", "rm", "-rf", str(apps))


FOLDERS = (
    *("link-manifest", "link-icon", "link-template", "link-folder", "link-inner", "hard", "pipe", "plug", "deep"),
    *("large", "foreign", "lines", "many", "nested", "long", "misnamed"),
)
"""Apps that must not so much as appear in the catalog."""


def write_hostile(apps: Path, canary: Path) -> None:
    """Write the folders of which each is refused as it is."""
    for app in FOLDERS:
        write_app(apps, app)
    manifest = {app: apps / app / "manifest.yml" for app in FOLDERS}
    manifest["link-manifest"].unlink()
    manifest["link-manifest"].symlink_to(canary)
    (apps / "link-icon" / "icon.svg").symlink_to(canary)
    health = "health: {probe: {type: tcp, port: 8000}}\n    files: [{path: /etc/x, template: x.j2}]"
    write_app(apps, "link-template", health=health)
    (apps / "link-template" / "x.j2").symlink_to(canary)
    (apps / "link-folder").rename(apps / ".elsewhere")
    (apps / "link-folder").symlink_to(apps / ".elsewhere")
    (apps / "link-inner" / "files").symlink_to(canary.parent)
    (apps / "hard" / "icon.svg").hardlink_to(canary)
    os.mkfifo(apps / "pipe" / "icon.svg")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(os.path.relpath(apps / "plug" / "icon.svg"))
    manifest["deep"].write_text("a: " + "[" * 100_000)
    (apps / "large" / "blob").write_bytes(bytes(2 << 20))
    user = "init: true\n    user: '99999:99999'"
    manifest["foreign"].write_text(manifest["foreign"].read_text().replace("init: true", user))
    write_app(apps, "lines", more='provides: {a: {container: main, port: 8000, exports: {x: "a\\nb=c"}}}\n')
    for number in range(1100):
        (apps / "many" / str(number)).mkdir()
    (apps / "nested").joinpath(*"abcdefghij").mkdir(parents=True)
    write_app(apps, "long", health=health)
    (apps / "long" / "x.j2").write_text("{{ 1 }}" * 9000)
    manifest["misnamed"].write_text(manifest["misnamed"].read_text().replace("id: misnamed", "id: ../decent"))


async def require_decent(node: HostileNode) -> None:
    """Require that the decent app works and can be changed, in no more than a moment."""
    began = time.monotonic()
    assert (await node.call("container-status", app="decent"))["health"]["state"] == "healthy"
    assert (await node.call("plan", app="decent"))["apps"]
    assert (await node.execute("decent", "busybox", "echo", "well")) == "well\n"
    assert time.monotonic() - began < 30


async def test_folders_that_lead_out_or_never_end_are_refused_and_name_the_reason(node: HostileNode) -> None:
    entries = {one["app"]: one for one in await node.call("catalog-list")}
    for app in FOLDERS:
        assert entries[app]["problem"], app
        with pytest.raises(RpcError, match="wrong") as refused:
            await node.call("container-install", app=app)
        assert CANARY not in str(refused.value.data), app
    for app in ("link-manifest", "link-icon", "link-template", "link-folder", "link-inner"):
        assert "it is a link" in entries[app]["problem"], app
    await require_decent(node)


async def test_a_template_that_hangs_delays_no_other_app_and_its_operation_ends(node: HostileNode) -> None:
    assert node.apps is not None
    for app, template in (("hanger", HANG), ("bomber", BOMB)):
        write_app(node.apps, app, command=f'[httpd, -f, "{template}"]')
    begun = [await node.call("container-install", app=app) for app in ("hanger", "bomber")]
    looks = 0
    # Either will do: on a slow machine the first may have ended when the second begins.
    while "running" in [(await node.call("operation-get", id=one["id"]))["state"] for one in begun]:
        await require_decent(node)
        looks += 1
    for app, ended in zip(("hanger", "bomber"), [await node.ended(one) for one in begun], strict=True):
        assert ended["state"] == "failed"
        assert f"apps/{app}: containers.main.command" in ended["error"]["message"]
        assert "too much" in ended["error"]["message"] or "more than" in ended["error"]["message"]
    assert {one["app"] for one in await node.call("container-list")} == {"decent"}
    assert looks, "the other app was looked at meanwhile"


async def test_cancel_ends_what_hangs(node: HostileNode) -> None:
    operation = await node.call("container-install", app="hanger")
    began = time.monotonic()
    ended = await node.call("operation-cancel", id=operation["id"])
    assert ended["state"] in ("cancelled", "failed") and time.monotonic() - began < 45


async def test_a_template_that_hangs_at_the_next_start_keeps_neither_the_node_nor_others(node: HostileNode) -> None:
    """As with data of an older version, or a host that has changed: what was refused today is installed already."""
    assert node.apps is not None
    template = f"{{% if options.hang %}}{HANG}{{% endif %}}"
    command = f'[httpd, -f, -p, "8000", -h, "/{template}"]'
    write_app(node.apps, "sleeper", command=command, more=OPTION)
    await node.install("sleeper")
    with pytest.raises(RpcError, match="processor time"):
        await node.call("container-config", app="sleeper", options={"hang": True})
    since = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-sleeper--main")
    node.kill()
    with closing(sqlite3.connect(node.root / "state.db")) as database, database:
        database.execute("UPDATE apps SET options = ? WHERE app = 'sleeper'", ('{"hang": true}',))
    await node.start()
    await node.until("decent", "healthy")
    status = await node.until("sleeper", "failed")
    assert "apps/sleeper: containers.main.command" in status["health"]["reason"]
    assert podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-sleeper--main") == since, "left as it is"
    await require_decent(node)
    await node.done(await node.call("container-config", app="decent", options={"hang": True}))
    await node.done(await node.call("container-config", app="sleeper", options={"hang": False}))
    await node.until("sleeper", "healthy")


async def test_what_an_app_tells_of_its_secrets_is_hidden_wherever_it_is_told(node: HostileNode) -> None:
    assert node.apps is not None
    health = (
        "health: {probe: {type: exec, command: [busybox, sh, -c, 'busybox cat /etc/key; exit 75']}, interval: 1s}\n"
    )
    health += "    files: [{path: /etc/key, template: key.j2}]"
    command = json.dumps(["sh", "-c", TATTLE])
    write_app(node.apps, "tattler", command=command, health=health, more="secrets: {key: {}}\n")
    (node.apps / "tattler" / "key.j2").write_text("{{ secrets.key }}")
    await node.install("tattler")
    key = await node.call("secret-show", app="tattler", name="key")
    status = await node.until("tattler", "syncing")
    assert status["health"]["reason"] == "***"
    result = await node.call("container-exec", app="tattler", command=["busybox", "cat", "/etc/key"])
    assert result["stdout"] == "***"
    async with asyncio.timeout(60):
        while "dumped" not in (lines := json.dumps(await node.call("container-logs", app="tattler", tail=50))):
            await asyncio.sleep(0.05)  # the app writes in its own time
    for shown in ("raw ***", "upper ***", "Basic Y", "escaped ", "dumped "):
        assert shown in lines
    told = "\n".join(node.told)
    for shape in (key, key.upper(), key.encode().hex(), key.encode().hex(" "), "%" + key.encode().hex("%")):
        assert shape not in told
    for user in ("a", "ab", "abc"):
        encoded = base64.b64encode(f"{user}:{key}".encode()).decode()
        assert not [at for at in range(8, len(encoded) - 8) if encoded[at : at + 8] in told]
    events = json.dumps(await node.call("events-since", revision=0))
    assert "tattler is syncing: ***" in events


async def test_a_provider_writes_no_line_into_a_consumer_s_file(node: HostileNode) -> None:
    assert node.apps is not None
    provides = "provides: {forger: {container: main, port: 8000, exports: {x: \"{{ 'a\\\\nadmin=true' }}\"}}}\n"
    write_app(node.apps, "forger", more=provides)
    health = "health: {probe: {type: tcp, port: 8000}}\n    files: [{path: /etc/x, template: x.j2}]"
    write_app(node.apps, "trusting", health=health, more="requires: {forger: {wait: started}}\n")
    (node.apps / "trusting" / "x.j2").write_text("x={{ requires.forger.exports.x }}\n")
    await node.install("forger")
    ended = await node.ended(await node.call("container-install", app="trusting"))
    assert ended["state"] == "failed"
    assert "apps/forger: provides.forger.exports.x" in ended["error"]["message"]


async def test_what_is_installed_is_what_the_owner_looked_at(node: HostileNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "changeling")
    plan = await node.call("plan", app="changeling")
    write_app(node.apps, "changeling", more="egress: lan\n")
    with pytest.raises(RpcError, match="another one by now"):
        await node.call("container-install", app="changeling", plan=plan["digest"])
    write_app(node.apps, "changeling")
    await node.done(await node.call("container-install", app="changeling", plan=plan["digest"]))
    answers = await asyncio.gather(
        *(node.call("secret-set", app="changeling", name="nothing", value="x") for _ in range(3)),
        *(node.call("container-remove", app="changeling") for _ in range(5)),
        return_exceptions=True,
    )
    begun = [answer for answer in answers if isinstance(answer, dict)]
    assert len(begun) == 1 and all(isinstance(answer, RpcError) for answer in answers if answer not in begun)
    await node.done(begun[0])


async def test_the_canary_is_nowhere(node: HostileNode) -> None:
    await require_decent(node)
    assert [each for each in (*node.told, node.log()) if CANARY in each] == []
    canary = node.root / "canary"
    found = await asyncio.to_thread(holding, [CANARY], os.environ["HOME"], str(node.runtime), since=canary)
    hard = str(node.apps / "hard" / "icon.svg") if node.apps is not None else ""
    assert found == {str(canary), hard}, "the file itself, and the name that the hostile folder gave it"

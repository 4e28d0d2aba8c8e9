"""Apps on the page: install through the plan, change, watch, heal, remove."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from support.harness import APPS_AT, TestNode, podman
from support.owner import PASSWORD, begun, with_ship
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_an_owner_sets_up_installs_changes_and_removes(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps")
    await expect(page.get_by_role("link", name="Details of ship")).to_be_visible()
    await expect(page.get_by_role("link", name="Open ship")).to_be_visible()

    await page.goto("/apps/ship/logs")
    await expect(page.get_by_role("log")).to_contain_text("sails are set 3")
    since = (await node.call("container-status", app="anchor"))["health"]["since"]
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("6")
    await expect(page.get_by_text("Restarts: ship")).to_be_visible()
    await page.get_by_label("sails").fill("77")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("alert")).to_have_count(1)
    await expect(page.get_by_label("sails")).to_have_value("77")
    await page.get_by_label("sails").fill("5")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("set by you")).to_be_visible()
    await page.goto("/apps/ship/logs")
    await expect(page.get_by_role("log")).to_contain_text("sails are set 5")
    assert (await node.call("container-status", app="anchor"))["health"]["since"] == since, "no other app restarts"

    await page.goto("/apps/ship")
    await choose(page, "ship", "Stop")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("link", name="Open", exact=True)).to_be_visible()
    await node.until("ship", "healthy")
    await expect(page.get_by_text("Running since")).to_be_visible()

    await page.goto("/apps/ship/danger")
    await page.get_by_role("button", name="Remove ship").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Remove ship").click()
    removal = page.locator("li.card", has=page.get_by_role("heading", name="Remove ship"))
    await expect(removal).to_contain_text("Done")
    assert "ship" not in {each["app"] for each in await node.call("container-list")}


async def choose(page: Page, app: str, action: str) -> None:
    """Choose an action of the menu of an app."""
    await page.get_by_role("button", name=f"Actions for {app}").click()
    await page.get_by_role("menuitem", name=action, exact=True).click()


async def test_what_stops_with_an_app_is_named_and_agreed_to(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/anchor")
    await choose(page, "anchor", "Stop")
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("Stop anchor?")
    await expect(dialog).to_contain_text("These stop as well, because they depend on it: ship.")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert (await node.call("operation-list", limit=1))[0]["kind"] != "stop", "nothing was done"
    await choose(page, "anchor", "Stop")
    await dialog.get_by_role("button", name="Stop").click()
    # An app has stopped before the operation that stops it has ended, and until then no other one begins.
    await node.done(await begun(node, "anchor", "stop"))
    for app in ("ship", "anchor"):
        await node.until(app, "stopped")
    await node.done(await node.call("container-start", app="anchor"))
    await node.until("ship", "healthy")


async def test_an_option_that_needs_another_app_names_it_and_brings_it(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    sail = "options: {sail: {type: bool, label: Sail, default: false}}\n"
    when = "variants: [{when: {sail: true}, egress: none, requires: {wind: {}}}]\n"
    write_app(node.apps, "breeze", more="provides: {wind: {container: main, port: 8000}}\n")
    write_app(node.apps, "skiff", more=sail + when)
    await node.install("skiff")
    await page.goto("/apps/skiff/settings")
    await page.get_by_role("switch", name="Sail").click()
    await expect(page.get_by_text("Installs: breeze")).to_be_visible()
    await page.get_by_role("button", name="Apply").click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("These are installed, because it needs them then: breeze.")
    assert "breeze" not in {each["app"] for each in await node.call("container-list")}, "nothing was agreed to"
    await dialog.get_by_role("button", name="Change").click()
    await node.done(await begun(node, "skiff", "configure"))
    assert (await node.call("container-status", app="breeze"))["health"]["state"] == "healthy"
    await node.done(await node.call("container-config", app="skiff", reset=["sail"]))
    for app in ("breeze", "skiff"):  # nobody needs it any more, so it may go first
        await node.done(await node.call("container-remove", app=app, delete_data=True))


async def test_limits_change_while_the_app_runs_and_go_back_to_the_manifest(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    since = (await node.call("container-status", app="ship"))["health"]["since"]
    before = await limits_of(node, "ship")
    await page.goto("/apps/ship/settings")
    card = page.get_by_role("region", name="Limits", exact=True)
    await card.get_by_role("button", name="Change").press("Enter")
    dialog = page.get_by_role("dialog", name="Limits of ship")
    await dialog.get_by_label("Memory").fill("1")
    await expect(dialog.get_by_role("alert")).to_contain_text("Give a number")
    await dialog.get_by_label("Memory").fill("200")
    await dialog.get_by_label("Weight for processors").fill("150")
    await dialog.get_by_label("Room on the disk").fill("3")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(card.get_by_text("200 MiB")).to_be_visible()
    await expect(card.get_by_text("set by you")).to_have_count(3)
    now = await limits_of(node, "ship")
    assert (now["memory_limit"], now["cpu_weight"], now["disk_limit"]) == (200 * 2**20, 150, 3 * 2**30)

    await card.get_by_role("button", name="Change").press("Enter")
    await dialog.get_by_role("button", name="Back to what its manifest says").first.press("Enter")
    await dialog.get_by_role("button", name="Apply").press("Enter")
    await expect(card.get_by_text("set by you")).to_have_count(2)
    assert (await limits_of(node, "ship"))["memory_limit"] == before["memory_limit"]
    assert (await node.call("container-status", app="ship"))["health"]["since"] == since, "nothing restarts"
    await node.call("container-limits", app="ship", reset=["cpu_weight", "disk"])


async def limits_of(node: TestNode, app: str) -> dict[str, Any]:
    (found,) = [one for one in (await node.call("system-resources"))["apps"] if one["app"] == app]
    assert isinstance(found, dict)
    return found


async def test_an_endpoint_is_opened_to_the_network_by_a_switch(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/access")
    await expect(page.get_by_text("it has none of its own")).to_be_visible()
    wire = page.get_by_role("switch", name="Wire: open to your network")
    await expect(page.get_by_role("switch", name="open to your network")).to_have_count(2)
    await expect(wire).to_have_attribute("aria-checked", "false")
    await expect(page.get_by_text(f"tcp://{APPS_AT}:")).to_be_visible()
    await wire.click()
    await expect(wire).to_have_attribute("aria-checked", "true")
    opened = {each["name"]: each["open"] for each in (await node.call("container-status", app="ship"))["endpoints"]}
    assert opened == {"deck": False, "wire": True}
    await page.reload()
    await expect(wire).to_have_attribute("aria-checked", "true")
    await wire.click()
    await expect(wire).to_have_attribute("aria-checked", "false")
    by_tor = page.get_by_role("switch", name="Reach Wire through Tor")
    await by_tor.click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(by_tor).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_role("button", name="Client key")).to_be_visible()
    await expect(page.get_by_text(".onion:")).to_be_visible()


async def test_a_program_is_told_how_to_connect(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    spoken = {one["name"]: one["interface"] for one in (await node.call("container-status", app="ship"))["endpoints"]}
    assert spoken == {"deck": None, "wire": None}
    await page.goto("/apps/ship")
    card = page.get_by_role("region", name="Connect a program")
    await expect(card.get_by_text(f"tcp://{APPS_AT}:")).to_be_visible()
    await card.get_by_role("button", name="Open to your network").click()
    await expect(card.get_by_role("button", name="Open to your network")).to_have_count(0)
    await node.call("network-close", app="ship", endpoint="wire")


async def test_a_broken_container_is_seen_to_heal(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship")
    await expect(page.get_by_text("Running since")).to_be_visible()
    before = (await node.call("container-status", app="ship"))["health"]["restarts"]
    container = (await node.call("container-status", app="ship"))["containers"][0]["container"]
    await asyncio.to_thread(podman, "kill", container)
    await expect(page.get_by_role("heading", name="Last failure")).to_be_visible()
    await expect(page.get_by_text("Running since")).to_be_visible()
    assert (await node.call("container-status", app="ship"))["health"]["restarts"] > before


async def test_what_needs_the_owner_is_told_everywhere_and_mended_by_a_button(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    # It dies for as long as there is a hole.
    command = '[sh, -c, "test -e /data/hole && exit 3; exec busybox httpd -f -p 8000 -h /"]'
    write_app(node.apps, "leaky", command=command, more="volumes: {data: {data: files}}\n")
    manifest = node.apps / "leaky" / "manifest.yml"
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    manifest.write_text(manifest.read_text().replace("    init: true", mount))
    await node.install("leaky")
    await page.goto("/system")
    await expect(page.get_by_role("heading", name="What the doctor found")).to_be_visible()
    await node.execute("leaky", "/usr/bin/busybox", "touch", "/data/hole")
    container = (await node.call("container-status", app="leaky"))["containers"][0]["container"]
    await asyncio.to_thread(podman, "kill", container)
    await expect(page).to_have_title(re.compile(r"^\(\d+\) System"))
    await page.get_by_role("button", name="attention").first.click()
    panel = page.get_by_role("dialog", name="Notices")
    notice = panel.locator("li", has_text="leaky does not run properly")
    await expect(notice.get_by_label("Warning")).to_be_visible()  # no money depends on it
    await notice.get_by_role("button", name="Restart").click()
    await expect(notice.get_by_role("button", name="Restart")).to_have_count(0)
    restart = await begun(node, "leaky", "restart")
    await asyncio.to_thread(podman, "unshare", "rm", str(node.root / "apps" / "leaky" / "volumes" / "data" / "hole"))
    await node.done(restart)
    await expect(notice).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await node.until("leaky", "healthy")
    await node.done(await node.call("container-remove", app="leaky", delete_data=True))


async def test_a_terminal_runs_what_is_typed(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/terminal")
    screen = page.locator(".xterm-screen")
    await expect(screen).to_be_visible()
    await expect(page.locator(".xterm-accessibility-tree")).to_contain_text("~ $")
    await page.locator(".xterm-helper-textarea").focus()
    await page.keyboard.type("echo $((6*7))_leagues\n")
    await expect(page.locator(".xterm")).to_contain_text("42_leagues")
    await page.keyboard.type("exit\n")
    await expect(page.get_by_text("The terminal has ended.")).to_be_visible()


async def test_an_app_shows_how_it_is_connected_and_how_it_was(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship")
    await expect(page.get_by_role("main").get_by_role("link", name="anchor")).to_be_visible()
    await page.get_by_role("navigation", name="ship").get_by_role("link", name="Activity").click()
    history = page.get_by_role("list", name="Health until now")
    await expect(history).to_contain_text("Running")
    await expect(history).to_contain_text("Starting")
    await page.goto("/apps/ship/parts")
    graph = page.get_by_role("region", name="How it is connected")
    await expect(graph.get_by_role("link")).to_have_count(2)
    await graph.get_by_role("link", name="anchor: moor").click()
    await expect(page.get_by_role("heading", level=1, name="anchor")).to_be_visible()
    await page.goto("/apps/ship/security")
    await page.get_by_role("button", name="Show the packages").click()
    await expect(page.get_by_role("list", name="Show the packages")).to_contain_text("busybox-static")


async def test_apps_are_shown_as_a_grid_or_a_list(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps")
    await page.get_by_role("radio", name="List").click()
    await page.reload()
    await expect(page.get_by_role("radio", name="List")).to_be_checked()
    row = page.locator("li", has=page.get_by_role("link", name="Details of ship"))
    await expect(row.get_by_role("link", name="Open ship")).to_be_visible()
    await choose(page, "ship", "Stop")
    await expect(row.get_by_text("Stopped", exact=True)).to_be_visible()
    await choose(page, "ship", "Start")
    await expect(row.get_by_text("Running", exact=True)).to_be_visible()
    await page.get_by_role("radio", name="Grid").click()
    await page.get_by_label("Filter apps").fill("nothing like it")
    await expect(page.get_by_text("No app matches.")).to_be_visible()


async def put_aside(page: Page, panel: Locator, notice: Locator, how: str) -> None:
    """Choose a line of the menu of a notice, or its nearest where security is at stake."""
    button = notice.get_by_role("button", name="More for")
    name = await button.get_attribute("aria-label") or ""
    await button.click()
    await expect(page.get_by_role("menu")).to_be_visible()
    line = page.get_by_role("menuitem", name=how, exact=True)
    if not await line.count():
        line = page.get_by_role("menuitem", name="Hide it until it changes")
    await line.click()
    await expect(page.get_by_role("menu")).to_have_count(0)
    # Until the node has done it, the notice is still there, and no other one can be put aside.
    await expect(panel.locator("button:disabled")).to_have_count(0)
    if how == "Mute":
        await expect(panel.get_by_role("button", name=name, exact=True)).to_have_count(0)


async def test_what_the_owner_knows_is_put_aside_and_makes_nothing_red(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "sunk", command='[sh, -c, "exit 3"]')
    failed = await node.ended(await node.call("container-install", app="sunk"))
    assert failed["state"] == "failed"
    await page.goto("/")
    await page.get_by_role("button", name="attention").first.click()
    panel = page.get_by_role("dialog", name="Notices")
    crash = panel.locator("li", has_text="sunk does not run properly")
    await expect(crash.get_by_role("button", name="More for")).to_be_visible()
    await put_aside(page, panel, crash, "Hide it until it changes")
    # An app that is restarted again and again changes all the time: what is left is put aside until there is nothing.
    while await panel.get_by_role("button", name="More for").count():
        await put_aside(page, panel, panel.locator("li").first, "Mute")
    await expect(page).to_have_title(re.compile(r"^Home|^Archipelago"))
    await page.reload()
    await page.get_by_role("button", name="attention").first.click()
    await expect(panel.get_by_text(re.compile(r"hidden notices?$"))).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^Home|^Archipelago"))
    await panel.get_by_text(re.compile(r"hidden notices?$")).click()
    hidden = panel.locator("details li", has_text="The last operation on sunk failed")
    await expect(hidden).to_contain_text("Hidden until you bring it back")
    await hidden.get_by_role("button", name="Show again").click()
    await expect(page).to_have_title(re.compile(r"^\(1\) "))
    await node.done(await node.call("container-remove", app="sunk", delete_data=True))
    await expect(page).to_have_title(re.compile(r"^Home|^Archipelago"))
    for each in await node.call("node-notices"):
        await node.call("node-notice-show", id=each["id"])

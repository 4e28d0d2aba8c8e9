"""Apps in the store of the page: chosen, set up, installed, cancelled, and found again with their data."""

import socket

import pytest
from playwright.async_api import Page, expect

from support.harness import APPS_AT, TestNode, free_port
from support.owner import with_ship
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_settings_are_chosen_ahead_of_the_installation(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    oars = "options: {oars: {type: int, label: Oars, default: 2, minimum: 1, maximum: 4}}\n"
    write_app(node.apps, "dinghy", more=oars)
    await page.goto("/store/dinghy")
    await expect(page.get_by_role("button", name="Install")).to_be_enabled()
    await page.get_by_label("Oars").fill("9")
    await expect(page.get_by_role("alert")).to_contain_text("from 1 to 4")
    await expect(page.get_by_role("button", name="Install")).to_be_disabled()
    await page.get_by_label("Oars").fill("4")
    await expect(page.get_by_role("alert")).to_have_count(0)
    other = "history.pushState({}, '', '/store/anchor'); dispatchEvent(new PopStateEvent('popstate', {state: {}}))"
    await page.evaluate(other)  # as Back and Forward do
    await expect(page.get_by_role("heading", level=1)).to_have_text("anchor")
    await expect(page.get_by_label("Oars")).to_have_count(0)
    await page.go_back()
    await expect(page.get_by_label("Oars")).to_have_value("4")
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_text("dinghy is installed.")).to_be_visible(timeout=120_000)
    status = await node.call("container-status", app="dinghy")
    assert status["options"] == {"oars": 4} and status["options_set"] == ["oars"]
    await node.done(await node.call("container-remove", app="dinghy", delete_data=True))


async def test_a_cancelled_installation_leaves_nothing(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    # It never becomes ready, so that there is time.
    write_app(node.apps, "endless", health="health: {probe: {type: tcp, port: 9}, interval: 1s, start_timeout: 600s}")
    await page.goto("/store/endless")
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    await page.goto("/store")
    await expect(page.get_by_role("link", name="endless is being installed")).to_be_visible()
    await page.goto("/store/endless")
    await expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    await expect(page.get_by_role("button", name="Install")).to_have_count(0)
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("It was cancelled")).to_be_visible()
    await expect(page.get_by_role("button", name="Install")).to_be_enabled()
    assert "endless" not in {each["app"] for each in await node.call("container-list")}
    await page.goto("/operations")
    row = page.locator("li.card", has=page.get_by_role("heading", name="Install endless"))
    await expect(row.get_by_role("link", name="Try again")).to_be_visible()


async def test_a_bundle_is_installed_in_one_plan(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    for app in ("port", "starboard"):
        write_app(node.apps, app)
    bundle = "bundle: 1\nname: Both sides\nsummary: Port and starboard\napps: [port, starboard]\n"
    (node.apps / "bundles" / "sides.yml").write_text(bundle)
    await page.goto("/store")
    await page.get_by_role("link", name="See what gets installed: Both sides").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Both sides")
    for app in ("port 1.0", "starboard 1.0"):
        await expect(page.get_by_text(app)).to_be_visible()
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_text("Both sides is installed.")).to_be_visible(timeout=120_000)
    newest = (await node.call("operation-list", limit=1))[0]
    assert newest["kind"] == "install" and sorted(newest["apps"]) == ["port", "starboard"]
    for app in ("port", "starboard"):
        await node.until(app, "healthy")
        await node.done(await node.call("container-remove", app=app, delete_data=True))


async def test_what_is_refused_on_a_phone_is_in_sight(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    port = free_port()
    endpoint = f"{{kind: api, container: main, port: 8000, host_port: {port}}}"
    options = "".join(f"  o{n}: {{type: int, label: Option {n}, default: 2}}\n" for n in range(8))
    write_app(node.apps, "sunk", more=f"endpoints: {{web: {endpoint}}}\noptions:\n{options}")
    manifest = node.apps / "sunk" / "manifest.yml"
    described = manifest.read_text().replace("description: A test", "description: Mind `the gap` and <b>it</b>.")
    manifest.write_text(described)
    await page.set_viewport_size({"width": 390, "height": 664})
    await page.goto("/store/sunk")
    await expect(page.locator("code", has_text="the gap")).to_be_visible()
    await expect(page.get_by_text("<b>it</b>")).to_be_visible()
    await page.get_by_role("button", name="Install").scroll_into_view_if_needed()
    # A port that was taken before would be named by the plan, and there would be nothing to press.
    with socket.create_server((APPS_AT, port)):
        await page.get_by_role("button", name="Install").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("another program already listens")
        await expect(alert).to_be_in_viewport(ratio=1)


async def test_data_that_was_kept_is_found_again(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "chest", more="volumes: {data: {data: files}}\n")
    manifest = node.apps / "chest" / "manifest.yml"
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    manifest.write_text(manifest.read_text().replace("    init: true", mount))
    for number in range(2):
        await page.goto("/store/chest")
        await page.get_by_role("button", name="Install").click()
        await expect(page.get_by_text("chest is installed.")).to_be_visible(timeout=120_000)
        if number == 0:
            await node.execute("chest", "/usr/bin/busybox", "touch", "/data/gold")
        assert await node.execute("chest", "/usr/bin/busybox", "ls", "/data") == "gold\n"
        await page.goto("/apps/chest/danger")
        await page.get_by_role("button", name="Remove chest").click()
        dialog = page.get_by_role("alertdialog")
        if number == 1:
            await dialog.get_by_role("switch", name="Delete its data too").click()
            await expect(dialog.get_by_role("button", name="Remove chest")).to_be_disabled()
            await dialog.get_by_role("textbox").fill("chest")
        await dialog.get_by_role("button", name="Remove chest").click()
        await expect(
            page.locator("li.card", has=page.get_by_role("heading", name="Remove chest")).first
        ).to_contain_text("Done")


async def test_the_owner_chooses_who_provides_what_an_app_needs(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    assert node.apps is not None
    write_app(node.apps, "buoy", more="provides: {moor: {container: main, port: 8000}}\n")
    write_app(node.apps, "raft", more="requires: {moor: {}}\n")
    await page.goto("/store/raft")
    await page.get_by_label("App that provides moor").click()
    await page.get_by_role("option", name="buoy").click()
    await expect(page.get_by_text("buoy 1.0")).to_be_visible()
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_text("raft is installed.")).to_be_visible(timeout=120_000)
    uses = (await node.call("container-status", app="raft"))["uses"]
    assert [each["app"] for each in uses] == ["buoy"]
    for app in ("raft", "buoy"):
        await node.done(await node.call("container-remove", app=app, delete_data=True))


async def test_an_app_that_needs_a_newer_version_of_another_says_so_and_brings_it(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    assert node.apps is not None
    pier = "provides: {pier: {container: main, port: 8000}}\nrelease_notes: It is longer.\n"
    write_app(node.apps, "quay", more=pier)
    await node.install("quay")
    write_app(node.apps, "quay", more=pier, version="2.0")
    write_app(node.apps, "ferry", more="requires: {pier: {version: '>=2'}}\n")
    await page.goto("/store/ferry")
    part = page.get_by_role("listitem").filter(has_text="quay 2.0")
    await expect(part).to_contain_text("Updated first, since ferry needs a newer version", ignore_case=True)
    await expect(part.get_by_text("updated", exact=True)).to_be_visible()
    await part.get_by_text("What is new").click()
    await expect(part.get_by_text("It is longer.")).to_be_visible()
    await expect(page.get_by_text("quay is updated first; if that fails, nothing is installed")).to_be_visible()
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_text("ferry is installed.")).to_be_visible(timeout=120_000)
    found = {each["app"]: each["version"] for each in await node.call("container-list")}
    assert (found["quay"], found["ferry"]) == ("2.0", "1.0")
    for app in ("ferry", "quay"):
        await node.done(await node.call("container-remove", app=app, delete_data=True))

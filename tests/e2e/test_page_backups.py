"""Backups on the page, with a real repository in a folder: to the first proof, back again, and what goes wrong."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from support.everybody import require_for_everybody
from support.harness import ROOT, TestNode, podman
from support.owner import show_password
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
DISK = ROOT / "usb-of-the-page"


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A folder that stands for a USB disk."""
    shutil.rmtree(DISK, ignore_errors=True)
    DISK.mkdir(parents=True)
    yield DISK
    shutil.rmtree(DISK)


def page_of_book(node: TestNode) -> Path:
    return node.root / "apps/book/volumes/pages/first"


async def require_fit_for_everybody(page: Page) -> None:
    await require_for_everybody(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_two_steps_lead_to_a_backup_that_is_proved(page: Page, node: TestNode, disk: Path) -> None:
    assert node.apps is not None
    seed = '[sh, -c, "[ -e /pages/first ] || echo old > /pages/first; exec busybox httpd -f -p 8000 -h /pages"]'
    health = f"mounts: [{{volume: pages, path: /pages}}]\n    {PATIENT}"
    write_app(node.apps, "book", command=seed, health=health, more="volumes: {pages: {data: files}}")
    await node.install("book")
    await page.goto("/backups")
    await expect(page.get_by_text("Write down your 24 words first")).to_be_visible()
    await require_fit_for_everybody(page)

    await page.get_by_role("button", name="Folder or USB disk").click()
    await page.get_by_label("Folder", exact=True).fill(str(disk))
    await page.get_by_role("button", name="Add", exact=True).click()
    await show_password(page)
    await expect(page.get_by_role("heading", name="Nothing is backed up yet")).to_be_visible()
    await page.get_by_role("button", name="Back up now", exact=True).click()
    await expect(page.get_by_role("heading", name="Not proved restorable yet")).to_be_visible(timeout=120_000)
    await page.get_by_role("button", name="Prove it now").click()
    await expect(page.get_by_role("heading", name="Last proved restorable:")).to_be_visible(timeout=120_000)
    await expect(page.get_by_text("The app came back in a trial")).to_be_visible()
    await require_fit_for_everybody(page)


async def test_an_app_comes_back_and_the_restore_is_undone_by_the_keyboard_alone(page: Page, node: TestNode) -> None:
    podman("unshare", "sh", "-c", f"echo new > {page_of_book(node)}")
    await page.goto("/backups/restore")
    await page.get_by_role("link", name="book").press("Enter")
    await expect(page.get_by_role("heading", name="As it was when?")).to_be_focused()
    await page.get_by_role("link", name="newest").press("Enter")
    await expect(page.get_by_text("What is there now (1.0) is set aside")).to_be_visible()
    await expect(page.get_by_text("pages: files")).to_be_visible()
    await require_fit_for_everybody(page)
    agree = page.get_by_role("button", name="Restore book")
    await agree.focus()
    await page.keyboard.press("Enter")
    await show_password(page)
    await expect(page.get_by_text("book is back")).to_be_visible(timeout=120_000)
    assert podman("unshare", "cat", str(page_of_book(node))) == "old"

    await page.reload()
    await page.get_by_role("button", name="Undo the restore").press("Enter")
    await page.get_by_role("alertdialog").get_by_role("button", name="Undo the restore").press("Enter")
    await show_password(page)
    await expect(page.get_by_text("book is as it was before")).to_be_visible(timeout=120_000)
    assert podman("unshare", "cat", str(page_of_book(node))) == "new"


async def test_a_password_of_the_owner_opens_the_backups_and_one_file_comes_back(
    page: Page, node: TestNode, disk: Path
) -> None:
    await page.goto("/backups")
    card = page.get_by_role("listitem", name="usb")
    await expect(card.get_by_text("free", exact=False)).to_be_visible()
    await card.get_by_role("button", name="More for usb").press("Enter")
    await page.get_by_role("menuitem", name="Passwords").press("Enter")
    dialog = page.get_by_role("dialog", name="Passwords of usb")
    await expect(dialog.get_by_text("The node\u2019s own")).to_be_visible()
    await dialog.get_by_label("Whose it is").fill("my desk")
    await dialog.get_by_label("Password", exact=True).fill("correct horse battery")
    await dialog.get_by_label("The password once more").fill("correct horse battery")
    await require_fit_for_everybody(page)
    await page.keyboard.press("Enter")
    await show_password(page)
    await expect(dialog.get_by_text("my desk")).to_be_visible()
    opened = {**os.environ, "RESTIC_PASSWORD": "correct horse battery", "RESTIC_REPOSITORY": str(disk)}
    listed = ("restic", "snapshots", "--tag", "app=book", "--no-lock")
    subprocess.run(listed, env=opened, check=True, capture_output=True)
    await dialog.get_by_role("button", name="Remove the password of my desk").press("Enter")
    await page.get_by_role("alertdialog").get_by_role("button", name="Remove").press("Enter")
    await expect(dialog.get_by_text("my desk")).to_be_hidden()
    assert subprocess.run(listed, env=opened, check=False, capture_output=True).returncode != 0

    await page.goto("/backups/restore/book")
    await page.get_by_role("link", name="newest").press("Enter")
    await page.get_by_text("Only one file or folder").press("Enter")
    await page.get_by_label("Path in the backup").fill("volumes/pages/first")
    await page.get_by_label("New folder").fill(str(disk.with_name("brought-back")))
    await page.keyboard.press("Enter")
    await show_password(page)
    await expect(page.get_by_text("It is in")).to_be_visible()
    back = disk.with_name("brought-back")
    # It belongs to the app's own user.
    assert podman("unshare", "cat", str(back / "volumes/pages/first")) == "old"
    podman("unshare", "rm", "-rf", str(back))


async def test_a_target_that_is_gone_and_one_of_another_node_say_what_to_do(
    page: Page, node: TestNode, disk: Path
) -> None:
    away = disk.rename(disk.with_name("pulled-out"))
    try:
        await page.goto("/backups")
        await page.get_by_role("button", name="Back up now", exact=True).click()
        card = page.get_by_role("listitem", name="usb")
        await expect(card.get_by_text("There is no repository at", exact=False)).to_be_visible()
        await page.goto("/backups/restore/book")
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("connect and mount the disk")
    finally:
        away.rename(disk)
    foreign = disk / "of-another-node"
    environment = {**os.environ, "RESTIC_PASSWORD": "another", "RESTIC_REPOSITORY": str(foreign)}
    subprocess.run(["restic", "init"], env=environment, check=True, capture_output=True)
    await page.goto("/backups")
    await page.get_by_role("listitem").get_by_role("button", name="Folder or USB disk").click()
    await page.get_by_label("Folder", exact=True).fill(str(foreign))
    await page.get_by_role("button", name="Add", exact=True).click()
    await show_password(page)
    await expect(page.get_by_text("does not open with the key of this node")).to_be_visible()
    await page.get_by_role("button", name="Enter the words of another node").click()
    await page.get_by_label("Recovery phrase").fill("1. abandon, 2. ability")
    await expect(page.get_by_text("2 of 24 words")).to_be_visible()


async def test_a_snapshot_is_looked_into_as_files_and_as_a_running_copy(page: Page, node: TestNode) -> None:
    await page.goto("/apps/book/settings")
    card = page.get_by_role("region", name="Snapshots")
    await card.get_by_role("button", name="Look inside").last.press("Enter")
    dialog = page.get_by_role("dialog", name="Snapshot of")
    await dialog.get_by_role("button", name="pages", exact=True).press("Enter")
    await require_fit_for_everybody(page)
    async with page.expect_download() as saved:
        await dialog.get_by_role("button", name="Save first on this device").press("Enter")
    assert (await (await saved.value).path()).read_text().strip() in {"old", "new"}
    await dialog.get_by_role("button", name="Restore first into a folder").press("Enter")
    back = DISK / "back"
    await dialog.get_by_label("New folder for volumes/pages/first").fill(str(back))
    await page.keyboard.press("Enter")
    await show_password(page)
    await expect(dialog.get_by_text(f"It is in {back}.")).to_be_visible()
    assert (back / "first").is_file()

    await dialog.get_by_role("button", name="Start the copy").press("Enter")
    copy = card.get_by_role("region", name="Copy from a snapshot")
    await expect(copy.get_by_text("It ends by itself in")).to_be_visible(timeout=120_000)
    await page.reload()
    await expect(copy.get_by_text("It ends by itself in")).to_be_visible()
    await require_fit_for_everybody(page)
    await copy.get_by_role("button", name="Stop the copy").press("Enter")
    await expect(copy).to_be_hidden()
    (operation, *_) = await node.call("operation-list", app="book", limit=1)
    operation = await node.ended(operation)
    assert (operation["kind"], operation["state"]) == ("snapshot-look", "cancelled")


async def test_an_app_gets_a_schedule_of_its_own(page: Page, node: TestNode) -> None:
    await page.goto("/apps/book/settings")
    schedule = page.get_by_role("region", name="Taken by themselves")
    await expect(schedule.get_by_text("None is taken by itself.")).to_be_visible()
    await schedule.get_by_label("How often").press("Enter")
    await page.get_by_role("option", name="each night", exact=True).press("Enter")
    await schedule.get_by_label("Days").fill("3")
    await require_fit_for_everybody(page)
    await schedule.get_by_role("button", name="Apply the schedule").press("Enter")
    await show_password(page)
    await expect(schedule.get_by_text("The next one is taken on")).to_be_visible()
    (found,) = [one for one in (await node.call("snapshot-schedules"))["apps"] if one["app"] == "book"]
    assert (found["every"], found["keep_daily"], found["own"]) == ("daily", 3, True)


async def test_channels_that_may_be_a_copy_run_only_once_their_owner_has_said_so(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    opens = '[sh, -c, "[ -e /channels/db ] || echo opened > /channels/db; exec busybox httpd -f -p 8000 -h /"]'
    health = f"mounts: [{{volume: channels, path: /channels}}]\n    {PATIENT}"
    volumes = "volumes: {channels: {data: never-restore, funds: true, exclusive: true}}"
    write_app(node.apps, "lightning", command=opens, health=health, more=volumes)
    await node.install("lightning")
    await node.done(await node.call("container-stop", app="lightning"))
    channels = node.root / "apps/lightning/volumes/channels"
    podman("unshare", "sh", "-c", f"cp -a {channels} {channels}.2 && rm -rf {channels} && mv {channels}.2 {channels}")
    await page.goto("/apps/lightning")
    why = page.get_by_role("alert").filter(has_text="its channels may be newer elsewhere")
    await expect(why).to_contain_text("it may be a copy")
    await expect(why).to_contain_text("Turn that machine off for good")
    await require_fit_for_everybody(page)
    await why.get_by_role("button", name="Run it here").press("Enter")
    dialog = page.get_by_role("alertdialog")
    await expect(dialog.get_by_role("button", name="Run it here")).to_be_disabled()
    assert (await node.call("container-status", app="lightning"))["desired"] == "stopped"
    await dialog.get_by_label("Type lightning to confirm").fill("lightning")
    await dialog.get_by_role("button", name="Run it here").press("Enter")
    await show_password(page)
    await expect(why).to_be_hidden()
    await expect(page.get_by_text("Running since")).to_be_visible()
    assert await node.call("data-contested", app="lightning") == []


async def test_the_owner_sets_what_the_node_does_by_itself(page: Page, node: TestNode) -> None:
    await page.goto("/system")
    hours = page.get_by_role("region", name="Hours of updates")
    await hours.get_by_label("From").press("Enter")
    await page.get_by_role("option", name="23:00", exact=True).press("Enter")
    await hours.get_by_label("To").press("Enter")
    await page.get_by_role("option", name="23:00", exact=True).press("Enter")
    await expect(hours.get_by_text("Choose another hour")).to_be_visible()
    await expect(hours.get_by_role("button", name="Change the hours")).to_be_disabled()
    await hours.get_by_label("To").press("Enter")
    await page.get_by_role("option", name="2:00", exact=True).press("Enter")
    await expect(hours.get_by_text("Over midnight")).to_be_visible()
    await require_fit_for_everybody(page)
    await hours.get_by_role("button", name="Change the hours").press("Enter")
    await expect(hours.get_by_role("button", name="Change the hours")).to_be_hidden()
    found = await node.call("update-hours")
    assert (found["from_hour"], found["to_hour"]) == (23, 2)

    schedule = page.get_by_role("region", name="Snapshots of all apps")
    await schedule.get_by_label("How often").press("Enter")
    await page.get_by_role("option", name="each week", exact=True).press("Enter")
    await schedule.get_by_label("Weeks").fill("5")
    await require_fit_for_everybody(page)
    await schedule.get_by_role("button", name="Apply the schedule").press("Enter")
    await show_password(page)
    await expect(schedule.get_by_role("button", name="Apply the schedule")).to_be_hidden()
    of_node = (await node.call("snapshot-schedules"))["node"]
    assert (of_node["every"], of_node["keep_weekly"]) == ("weekly", 5)
    await page.reload()
    await expect(schedule.get_by_label("How often")).to_contain_text("each week")


async def test_all_apps_come_back_though_the_page_is_closed_in_the_middle(
    page: Page, context: BrowserContext, node: TestNode, disk: Path
) -> None:
    assert node.apps is not None
    more = "volumes: {pages: {data: files}}\nprovides: {shelf: {container: main, port: 8000}}"
    write_app(node.apps, "shelf", health=f"mounts: [{{volume: pages, path: /pages}}]\n    {PATIENT}", more=more)
    write_app(node.apps, "atlas", more="requires: {shelf: {}}")
    await node.install("atlas")
    await page.goto("/backups")
    await page.get_by_role("button", name="Back up now", exact=True).click()
    work = page.get_by_role("region", name="Under way")
    await expect(work.get_by_text("Back up all apps")).to_be_visible()
    await expect(work.get_by_text("You can leave this page")).to_be_visible()
    await page.goto("/")
    (backup,) = [each for each in await node.call("operation-list") if each["kind"] == "backup-all"]
    await node.done(await node.call("operation-get", id=backup["id"]))
    apps = [each["app"] for each in await node.call("container-list")]
    assert {"atlas", "book", "shelf"} <= set(apps)
    for app in sorted(apps, key="shelf".__eq__):
        await node.done(await node.call("container-remove", app=app, delete_data=True))

    beside = await context.new_page()
    await beside.goto("/backups")
    await beside.get_by_role("button", name=f"Bring all {len(apps)} back").click()
    await show_password(beside)
    await expect(beside.get_by_text("Restore all apps from their backups")).to_be_visible()
    await beside.close()
    (restore,) = [each for each in await node.call("operation-list") if each["kind"] == "backup-restore-all"]
    assert restore["state"] == "running" and len(await node.call("container-list")) < len(apps)
    await page.goto("/backups")
    await expect(work.get_by_text("Restore all apps from their backups")).to_be_visible()
    await require_fit_for_everybody(page)
    await node.done(await node.call("operation-get", id=restore["id"]))
    assert {each["app"] for each in await node.call("container-list")} == set(apps)
    await expect(work).to_be_hidden()
    assert podman("unshare", "cat", str(page_of_book(node))) in {"old", "new"}


async def test_the_kit_prints_black_on_white(page: Page, node: TestNode) -> None:
    await page.emulate_media(media="print", color_scheme="dark")
    await page.evaluate("localStorage.setItem('archipelago-theme', 'dark')")
    await page.goto("/backups/kit")
    sheet = page.get_by_role("article")
    await expect(sheet.get_by_text(str(DISK), exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Print")).to_be_hidden()
    colours = "([...document.querySelectorAll('body, article, article *')].map(one => getComputedStyle(one).color))"
    assert set(await page.evaluate(colours)) == {"rgb(0, 0, 0)"}
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
    await page.evaluate("localStorage.removeItem('archipelago-theme')")

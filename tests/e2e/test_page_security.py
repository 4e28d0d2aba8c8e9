"""Who may enter the page: tokens, passkeys, sessions that end, a locked node."""

import asyncio
import contextlib
import re

import aiohttp
import pytest
from playwright.async_api import BrowserContext, Page, expect

from support.harness import START_TIMEOUT, TestNode
from support.owner import PASSWORD, enter, home, log_out, show_password, with_ship
from support.tiny_apps import PATIENT, write_app

_CALL = """async (method, params) => {
  const headers = {
    "Content-Type": "application/json",
    Authorization: `Bearer ${localStorage.getItem("archipelago-session")}`,
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  return (await (await fetch("/rpc/v1", { method: "POST", headers, body })).json()).result;
}"""
_NOTICES = f"() => ({_CALL})('notice-list', {{}})"
_DISMISS = f"id => ({_CALL})('notice-dismiss', {{ id }})"

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_a_token_is_made_shown_once_and_works(page: Page, node: TestNode) -> None:
    await page.goto("/security")
    form = page.locator("form", has=page.get_by_label("What it is for"))
    await form.get_by_label("What it is for").fill("a program")
    await form.get_by_role("button", name="Create a token").click()
    await show_password(page)
    token = await form.locator("code").inner_text()
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-list", "params": {}}
    headers = {"Authorization": f"Bearer {token}"}
    answer = await page.request.post(f"http://127.0.0.1:{node.port}/rpc/v1", data=call, headers=headers)
    assert "result" in await answer.json()
    row = page.locator("li", has_text="a program")
    await row.get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
    answer = await page.request.post(f"http://127.0.0.1:{node.port}/rpc/v1", data=call, headers=headers)
    assert answer.status == 401 or "error" in await answer.json()


async def test_a_passkey_of_the_browser_logs_in(page: Page, context: BrowserContext, node: TestNode) -> None:
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await page.goto("/security")
    form = page.locator("form", has=page.get_by_label("Name of the device"))
    await form.get_by_label("Name of the device").fill("this test")
    await form.get_by_role("button", name="Add a passkey").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    # A page that was loaded anew knows no password: neither would whoever has the session alone.
    await dialog.get_by_label("Password").fill("not this one at all")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(page.locator("li", has_text="this test")).to_be_visible()
    await expect(dialog).to_have_count(0)
    await page.reload()
    form = page.locator("form", has=page.get_by_label("What it is for"))
    await form.get_by_label("What it is for").fill("by passkey")
    await form.get_by_role("button", name="Create a token").click()
    await dialog.get_by_role("button", name="Use a passkey").click()
    await expect(form.locator("code")).to_be_visible()
    row = page.locator("li", has_text="by passkey")
    await row.get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
    await log_out(page)
    await page.get_by_role("button", name="Log in with a passkey").click()
    await expect(home(page)).to_be_visible()


async def test_a_change_of_how_one_logs_in_is_told_at_once_and_taken_away(page: Page, node: TestNode) -> None:
    for each in await page.evaluate(_NOTICES):
        await page.evaluate(_DISMISS, each["id"])
    await page.goto("/")
    await expect(home(page)).to_be_visible()
    made = await node.call("token-create", name="made by a thief", permissions=["read"])
    await page.get_by_role("button", name="attention").first.click()
    notice = page.get_by_role("dialog", name="Notices").locator("li", has_text="A token was created: made by a thief")
    await expect(notice).to_contain_text("By owner, from the node itself")
    await expect(notice.get_by_role("link", name="Look")).to_have_attribute("href", "/security")
    await notice.get_by_role("button", name="Acknowledge").click()
    await expect(notice).to_have_count(0)
    await node.call("token-revoke", id=made["token"]["id"])


async def test_a_password_is_changed_with_all_other_ways_in_on_demand(page: Page, node: TestNode) -> None:
    assert [each["name"] for each in await node.call("passkey-list")] == ["this test"]
    await page.goto("/security")
    form = page.locator("form", has=page.get_by_label("Current password"))
    await form.get_by_label("Current password").fill("not this one at all")
    await form.get_by_label("New password").fill(PASSWORD)
    await form.get_by_label("Also remove the passkeys").check()
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_be_visible()
    await form.get_by_label("Current password").fill(PASSWORD)
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert await node.call("passkey-list") == []


async def test_an_ended_session_asks_again_and_keeps_what_was_typed(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("7")
    await expect(page.get_by_text("Restarts: ship")).to_be_visible()
    await node.call("password-set", user="owner", password=PASSWORD)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_label("sails")).to_have_value("7")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("set by you")).to_be_visible()
    await node.until("ship", "healthy")


async def test_the_words_of_money_are_shown_and_asked_back(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    volumes = "volumes: {wallet: {data: files, funds: true}}\n"
    mounts = f"{PATIENT}\n    mounts: [{{volume: wallet, path: /wallet}}]"
    write_app(node.apps, "purse", health=mounts, more=f"{volumes}secrets: {{seed: {{kind: aezeed}}}}\n")
    await node.install("purse")
    await page.goto("/apps/purse")
    await page.get_by_role("button", name="Write them down").click()
    dialog = page.get_by_role("dialog", name="Write down the 24 words")
    await dialog.get_by_role("button", name="Show the words").click()
    await show_password(page)
    words = [text.lstrip("0123456789") for text in await dialog.get_by_role("listitem").all_inner_texts()]
    assert [word.strip() for word in words] == (await node.call("secret-show", app="purse", name="seed")).split()
    for wrong in (True, False):
        await dialog.get_by_role("button", name="I have written them down").click()
        for field in await dialog.get_by_role("textbox").all():
            label = await field.evaluate("field => field.labels[0].innerText")
            place = int("".join(filter(str.isdigit, label)))
            await field.fill("wrong" if wrong else words[place - 1].strip())
        await dialog.get_by_role("button", name="Check").click()
        if wrong:
            await expect(dialog.get_by_role("alert")).to_be_visible()
            await dialog.get_by_role("button", name="Show them again").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="Write them down")).to_have_count(0)
    (seed,) = await node.call("secret-list", app="purse")
    assert seed["confirmed"]
    await node.done(await node.call("container-remove", app="purse", delete_data=True))


async def test_a_session_that_is_ended_elsewhere_asks_again_at_once_and_shows_no_secret(
    page: Page, node: TestNode
) -> None:
    assert node.apps is not None
    write_app(node.apps, "vault", more="secrets: {word: {kind: hex}}\n")
    await node.install("vault")
    await node.call("user-add", user="guest", role="viewer", password=PASSWORD)
    await page.goto("/apps/vault/access")
    await page.get_by_role("button", name="Show", exact=True).click()
    await show_password(page)
    secret = page.get_by_text(await node.call("secret-show", app="vault", name="word"))
    await expect(secret).to_be_visible()
    for each in await node.call("session-list"):
        await node.call("session-revoke", id=each["id"])
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await expect(secret).to_have_count(0)
    await dialog.get_by_label("Account").fill("guest")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await expect(home(page)).to_be_visible()
    await page.goto("/apps/vault/access")
    await expect(page.get_by_role("heading", name="Address")).to_be_visible()
    await expect(page.get_by_role("button", name="Show", exact=True)).to_have_count(0)
    await log_out(page)
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await node.done(await node.call("container-remove", app="vault", delete_data=True))


async def test_a_login_counts_in_all_tabs_and_so_does_its_end(
    page: Page, context: BrowserContext, node: TestNode
) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("6")
    other = await context.new_page()
    await other.goto("/")
    await expect(home(other)).to_be_visible()
    await log_out(other)
    await expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await enter(other, node)
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_label("sails")).to_have_value("6")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("set by you")).to_be_visible()
    await other.close()
    assert await context.cookies() == []
    await node.until("ship", "healthy")


async def test_icons_are_shown_to_who_is_logged_in(page: Page, node: TestNode) -> None:
    await page.goto("/store")
    icon = page.locator("li", has_text="ElectrumX").locator("img")
    await expect(icon).to_have_attribute("src", re.compile("^data:image/svg"))
    assert await icon.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 0


async def test_logging_out_asks_before_what_was_typed_is_lost(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("4")
    question = page.get_by_role("alertdialog", name="Leave without applying?")
    await log_out(page)
    await question.get_by_role("button", name="Keep editing").click()
    await page.get_by_role("link", name="Logs", exact=True).click()
    await expect(question).to_contain_text("not applied yet")
    await page.keyboard.press("Escape")
    await expect(question).to_have_count(0)
    await expect(page.get_by_label("sails")).to_have_value("4")
    await page.get_by_role("button", name="Discard").click()


async def test_a_locked_node_is_unlocked_by_its_passphrase(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await node.call("key-protect", passphrase=PASSWORD)
    await node.call("system-power", action="restart")
    try:
        await until_locked(node)
        await page.goto("/apps")
        await expect(page.get_by_role("heading", name="The node is locked")).to_be_visible()
        await page.get_by_label("Passphrase").fill("not this one, surely")
        await page.get_by_role("button", name="Unlock").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Passphrase").fill(PASSWORD)
        await page.get_by_role("button", name="Unlock").click()
        await expect(page.get_by_role("link", name="Details of ship")).to_be_visible(timeout=120_000)
    finally:
        await node.call("key-unprotect", current=PASSWORD)


async def until_locked(node: TestNode) -> None:
    """Return once the node waits for its passphrase."""
    async with asyncio.timeout(START_TIMEOUT):
        while True:
            with contextlib.suppress(OSError, aiohttp.ClientError):
                if (await node.call("key-status"))["state"] == "locked":
                    return
            await asyncio.sleep(0.05)  # a process tells nobody that it has begun anew

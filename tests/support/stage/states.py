"""States of the page that an address alone does not show: what is open over it, other languages, the longest names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Page

from support.stage.scenes import LONG, UNBROKEN
from support.stage.stage import Stage

Step = Callable[[Page, Stage], Awaitable[None]]
Pressed = Literal["button", "link", "menuitem", "tab"]


def press(role: Pressed, name: str) -> Step:
    """Return the step that presses what has this role and name."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_role(role, name=name, exact=True).click()

    return step


def press_text(text: str) -> Step:
    """Return the step that presses a text, such as what folds something away."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_text(text, exact=True).click()

    return step


def key(name: str) -> Step:
    """Return the step that presses a key."""

    async def step(page: Page, _: Stage) -> None:
        await page.keyboard.press(name)

    return step


def search_for(text: str) -> Step:
    """Return the step that types into the field of the search, once it is there."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_role("combobox", name="Search", exact=True).fill(text)

    return step


def type_in(label: str, text: str) -> Step:
    """Return the step that types into the field of this label."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_label(label, exact=True).fill(text)

    return step


def show(text: str) -> Step:
    """Return the step that scrolls to a text."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_text(text).first.scroll_into_view_if_needed()

    return step


async def lose_node(page: Page, stage: Stage) -> None:
    """Take the node away from an open page."""
    await stage.go_away()


async def end_session(page: Page, stage: Stage) -> None:
    """End the session of an open page."""
    await stage.log_out()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A page of a scene, and the steps to the state of it of which a picture is taken."""

    scene: str
    path: str = "/"
    size: Literal["desktop", "phone"] = "desktop"
    theme: Literal["light", "dark"] = "light"
    language: str = "en"
    reachable: bool = True
    steps: tuple[Step, ...] = ()
    shown: str
    """A text that is there once the state is."""


STATES = {
    "notices-40": State(
        scene="many", steps=(press("button", "27 things need attention"),), shown="The last operation on App 0 failed"
    ),
    "notices-of-all-kinds": State(
        scene="notices",
        size="phone",
        theme="dark",
        steps=(press("button", "5 things need attention"),),
        shown="Little disk is left",
    ),
    "channel": State(
        scene="notices",
        path="/system",
        size="phone",
        theme="dark",
        steps=(press("button", "Add"), press("menuitem", "E-mail")),
        shown="Language of the messages",
    ),
    "backup-place": State(
        scene="no-backups",
        path="/backups",
        steps=(press("button", "S3 storage A bucket at a provider, who sees only encrypted data."),),
        shown="Back up each night",
    ),
    "backup-machine": State(
        scene="no-backups",
        path="/backups",
        size="phone",
        theme="dark",
        steps=(
            press("button", "Machine with SSH A folder on a NAS or another computer, by SFTP."),
            type_in("Machine", "nas.local"),
            type_in("User", "backup"),
            type_in("Folder", "archipelago"),
            press("button", "Ask the machine"),
            show("Let the node in"),
        ),
        shown="It is the right one: add it",
    ),
    "backup-passwords": State(
        scene="calm",
        path="/backups",
        size="phone",
        theme="dark",
        steps=(press("button", "More for usb"), press("menuitem", "Passwords")),
        shown="safe at the bank",
    ),
    "restore-file": State(
        scene="calm",
        path="/backups/restore/lnd?target=usb&backup=02009a4e0b7d5283",
        steps=(show("Only one file or folder"), press_text("Only one file or folder"), show("Restore it there")),
        shown="Path in the backup",
    ),
    "restore-plan": State(
        scene="calm",
        path="/backups/restore/lnd?target=usb&backup=02009a4e0b7d5283",
        size="phone",
        theme="dark",
        shown="This is what happens",
    ),
    "restore-new": State(
        scene="calm",
        path="/backups/restore/btcpay?target=usb&backup=02009a4e0b7d5283",
        shown="BTCPay Server stays stopped",
    ),
    "restoring": State(
        scene="restoring",
        path="/backups/restore/mempool?operation=backup-restore-mempool",
        shown="3.8 GiB of 6 GiB",
    ),
    "restored": State(
        scene="restored",
        path="/backups/restore/mempool?operation=op-9",
        size="phone",
        shown="Undo the restore",
    ),
    "snapshots": State(
        scene="snapshots",
        path="/apps/electrumx/settings",
        size="phone",
        steps=(show("Together they take at most"),),
        shown="moved aside by a restore",
    ),
    "inside-a-snapshot": State(
        scene="snapshots",
        path="/apps/electrumx/settings",
        steps=(press("button", "Look inside: 27 Nov 2026, 18:30:00"), press("button", "data")),
        shown="server.log",
    ),
    "inside-on-a-phone": State(
        scene="snapshots",
        path="/apps/electrumx/settings",
        size="phone",
        theme="dark",
        steps=(
            press("button", "Look inside: 27 Nov 2026, 18:30:00"),
            press("button", "data"),
            press("button", "Restore server.log into a folder of the node\u2019s machine"),
            show("New folder for"),
        ),
        shown="server.log",
    ),
    "limits": State(
        scene="paused",
        path="/apps/lnd/settings",
        steps=(show("What the app may take of this machine"), press("button", "Change")),
        shown="Back to what its manifest says",
    ),
    "limits-on-a-phone": State(
        scene="paused",
        path="/apps/lnd/settings",
        size="phone",
        theme="dark",
        steps=(show("What the app may take of this machine"), show("Processes and threads")),
        shown="What the app may take of this machine",
    ),
    "running-copy": State(
        scene="running-copy",
        path="/apps/electrumx/settings",
        size="phone",
        steps=(show("A copy runs from a snapshot"),),
        shown="It ends by itself in 8 minutes.",
    ),
    "snapshot-schedule": State(
        scene="snapshots",
        path="/apps/electrumx/settings",
        size="phone",
        theme="dark",
        steps=(show("Taken by themselves"), show("Kept is the newest")),
        shown="Taken by themselves",
    ),
    "going-back": State(
        scene="snapshots",
        path="/apps/electrumx/settings",
        theme="dark",
        steps=(press("button", "Undo the update: 27 Nov 2026, 18:30:00"),),
        shown="What is there now becomes a snapshot",
    ),
    "paused": State(
        scene="paused",
        path="/system",
        steps=(show("Limits and use"),),
        shown="The node has paused Home Assistant",
    ),
    "paused-on-a-phone": State(
        scene="paused",
        path="/system",
        size="phone",
        theme="dark",
        steps=(show("The node has paused Home Assistant"),),
        shown="below 10 GiB",
    ),
    "contested": State(scene="contested", path="/apps/lnd", shown="What to do first"),
    "contested-claim": State(
        scene="contested",
        path="/apps/lnd",
        size="phone",
        theme="dark",
        steps=(press("button", "Run it here"),),
        shown="Run LND on this state?",
    ),
    "lightning": State(scene="lightning", path="/apps/lnd", shown="Can receive"),
    "lightning-on-a-phone": State(
        scene="lightning", path="/apps/lnd", size="phone", theme="dark", steps=(show("Earned by"),), shown="Can receive"
    ),
    "seed-words": State(
        scene="lightning",
        path="/apps/lnd",
        steps=(press("button", "Write them down"), press("button", "Show the words")),
        shown="dolphin",
    ),
    "seed-words-on-a-phone": State(
        scene="lightning",
        path="/apps/lnd",
        size="phone",
        theme="dark",
        steps=(press("button", "Write them down"), press("button", "Show the words")),
        shown="dolphin",
    ),
    "long-home": State(scene="long", shown=LONG),
    "long-apps": State(scene="long", path="/apps", shown=LONG),
    "long-app": State(scene="long", path="/apps/electrumx", size="phone", shown=UNBROKEN),
    "long-store": State(scene="long", path="/store", shown=LONG),
    "long-plan": State(scene="long", path="/store/specter", size="phone", theme="dark", shown=UNBROKEN),
    "in-de": State(scene="calm", language="de", shown="Alles läuft."),
    "in-es": State(scene="calm", language="es", size="phone", shown="Todo funciona."),
    "in-fr": State(scene="calm", language="fr", shown="Tout fonctionne."),
    "in-ja": State(scene="calm", language="ja", size="phone", shown="すべて正常に稼働しています。"),
    "in-pt": State(scene="calm", language="pt", shown="Tudo funciona."),
    "syncing-app": State(scene="syncing", path="/apps/bitcoin-knots", shown="Reading the chain: 3.1%"),
    "failed-apps": State(scene="failed", path="/apps", size="phone", shown="Failed"),
    "many-apps": State(scene="many", path="/apps", shown="60 apps"),
    "away": State(scene="calm", steps=(lose_node,), shown="Your node is not reachable."),
    "away-from-the-start": State(
        scene="calm", path="/offline.html", size="phone", theme="dark", reachable=False, shown="Try now"
    ),
    "expired": State(scene="calm", path="/apps", steps=(end_session,), shown="Your session has ended."),
    "stopping-what-others-use": State(
        scene="calm",
        path="/apps/bitcoin-knots",
        steps=(press("button", "Actions for Bitcoin Knots"), press("menuitem", "Stop")),
        shown="These keep running",
    ),
    "removing": State(
        scene="calm",
        path="/apps/electrumx/danger",
        size="phone",
        theme="dark",
        steps=(press("button", "Remove ElectrumX"),),
        shown="What stays on the disk",
    ),
    "search": State(scene="calm", steps=(key("Control+k"),), shown="Logs of Bitcoin Knots"),
    "search-found": State(
        scene="calm",
        size="phone",
        theme="dark",
        steps=(key("Control+k"), search_for("electr")),
        shown="Let other nodes connect",
    ),
    "first-start-words": State(
        scene="first-start",
        path="/welcome",
        size="phone",
        steps=(press("button", "Show the words"),),
        shown="dolphin",
    ),
    "first-start-reach": State(scene="first-start-reach", path="/welcome", shown="Your node is now at"),
    "first-start-apps": State(scene="first-start-apps", path="/welcome", shown="Accept Lightning payments"),
}

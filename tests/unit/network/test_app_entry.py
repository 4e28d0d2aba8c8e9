"""The node's login in front of apps: who passes, and how one gets in, with a real login and a clock of our own."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.network.app_entry import AppEntry, EntryAnswer, Question
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission, Role
from support.databases import new_database
from support.login_world import PASSWORD, World
from support.sources import HERE

SITE, OTHER = "http://specter.localhost:8481", "http://mempool.localhost:8481"
SECURE = "https://specter-island.local:8443"
PAGES = "http://127.0.0.1:8480 http://localhost:8480"


class Sites:
    """The sites that there are, which remember how often all connections to them were ended."""

    guarded = frozenset({SITE, OTHER, SECURE})

    def __init__(self) -> None:
        self.cuts = 0
        self.cut_again = asyncio.Event()

    def cut(self) -> None:
        self.cuts += 1
        if self.cuts % 2 == 0:
            self.cut_again.set()


def entry_of(login: Login, sites: Sites | None = None) -> AppEntry:
    found = sites or Sites()
    return AppEntry(login, found, found.cut)


class Browser:
    """A browser at one origin, which keeps cookies and says what browsers say."""

    def __init__(self, entry: AppEntry, site: str = SITE) -> None:
        self.entry = entry
        self.site = site
        self.jar: dict[str, str] = {}
        self.set: list[str] = []

    def question(self, uri: str = "/", method: str = "GET", **headers: str) -> Question:
        """Return what Caddy would ask about a request of this browser."""
        navigates = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        own = {"archipelago-site": self.site, "archipelago-pages": PAGES, "archipelago-method": method}
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return Question({**navigates, **cookie, **own, **given, "archipelago-uri": uri})

    def take(self, answer: EntryAnswer) -> str:
        """Keep the cookies of an answer, and return where it leads."""
        for name, text in answer.headers:
            if name == "Set-Cookie":
                self.set.append(text)
                (key, _, value), *words = text.split("; ")[0].partition("="), *text.split("; ")[1:]
                self.jar[key] = value
                if "Max-Age=0" in words:
                    del self.jar[key]
        return dict(answer.headers).get("Location", "")

    def asks(self, uri: str = "/", **headers: str) -> EntryAnswer:
        """Ask for something of the app."""
        return self.entry.check(self.question(uri, **headers))

    def enters(self, uri: str) -> EntryAnswer:
        """Ask for a page of the node on the site."""
        return self.entry.enter(self.question(uri))

    def state(self, uri: str = "/") -> str:
        """Ask for a page, be sent to log in, and return by what one is known there."""
        return parse_qs(urlsplit(self.take(self.asks(uri))).query)["state"][0]

    def log_in(self, session: str, uri: str = "/") -> str:
        """Get in on behalf of a session of the node's page; return where one lands."""
        address = self.entry.address(self.site, self.state(uri), session)
        assert address.startswith(f"{self.site}/.archipelago/login?code=")
        return self.take(self.enters(address.removeprefix(self.site)))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await new_database(tmp_path / "state.db")
    yield World(tmp_path, database)
    await database.close()


async def session_of(login: Login, user: str = "owner") -> str:
    secret = (await login.log_in(user, PASSWORD, None, HERE)).session
    visitor = login.by_session(secret)
    assert visitor is not None
    return visitor.session


async def test_the_owner_gets_in_by_a_code_and_is_known_from_then_on_at_this_origin_alone(world: World) -> None:
    login = await world.owned()
    entry = entry_of(login)
    browser = Browser(entry)
    assert browser.asks("/wallets?a=b").status == 303
    place = urlsplit(browser.take(browser.asks("/wallets?a=b")))
    assert f"{place.scheme}://{place.netloc}{place.path}" == "http://127.0.0.1:8480/enter"
    assert browser.log_in(await session_of(login), "/wallets?a=b") == f"{SITE}/wallets?a=b"
    assert browser.asks("/anything").status == 200
    (kept,) = [value for name, value in browser.jar.items() if name == "archipelago-session"]
    for site, name in ((OTHER, "archipelago-session"), (SECURE, "archipelago-session"), (SECURE, "__Host-x")):
        thief = Browser(entry, site)
        thief.jar = {name: kept, "__Host-archipelago-session": kept}
        assert thief.asks().status == 303, "what one origin keeps opens no other"
    for forged in (kept[:-1], kept + "x", kept.partition(".")[0] + ".", kept.replace(".", ".."), "", ".", "é.é"):
        thief = Browser(entry)
        thief.jar = {"archipelago-session": forged}
        assert thief.asks().status == 303, forged
    assert all("HttpOnly; SameSite=Lax" in text and "Domain" not in text for text in browser.set)


async def test_by_tls_no_cookie_is_taken_that_another_host_may_have_set(world: World) -> None:
    login = await world.owned()
    browser = Browser(entry_of(login), SECURE)
    browser.log_in(await session_of(login))
    assert all(text.startswith("__Host-archipelago-") and "Secure" in text for text in browser.set)
    assert browser.asks().status == 200
    browser.jar = {name.removeprefix("__Host-"): value for name, value in browser.jar.items()}
    assert browser.asks().status == 303


async def test_a_code_works_once_for_a_minute_at_one_origin_in_the_browser_that_asked(world: World) -> None:
    login = await world.owned()
    entry, session = entry_of(login), await session_of(login)
    browser, other = Browser(entry), Browser(entry)
    state = browser.state()
    way = entry.address(SITE, state, session).removeprefix(SITE)
    other.state()
    assert other.enters(way).status == 403, "a link that somebody else sends logs nobody in"
    assert browser.enters(way.replace("code=", "code=x")).status == 403
    elsewhere = Browser(entry, OTHER)
    elsewhere.jar = dict(browser.jar)
    assert elsewhere.enters(way).status == 403, "and that used it up"
    assert browser.enters(way).status == 403
    way = entry.address(SITE, state, session).removeprefix(SITE)
    world.now += 61
    assert browser.enters(way).status == 403
    way = entry.address(SITE, state, session).removeprefix(SITE)
    assert browser.take(browser.enters(way)) == f"{SITE}/"
    assert browser.enters(way).status == 403
    assert browser.asks().status == 200
    for wrong in ("/.archipelago/login", "/.archipelago/login?code=&state=", "/.archipelago/login?state=x&code=y"):
        answer = Browser(entry).enters(wrong)
        assert answer.status == 403 and '<a href="/">' in answer.body, "who took too long to log in goes on"


async def test_what_ends_the_session_of_the_node_ends_it_in_all_apps_and_what_goes_on_there(world: World) -> None:
    login = await world.owned()
    await login.accounts.add("bob", Role.OWNER, PASSWORD, HERE)
    sites = Sites()
    entry = entry_of(login, sites)
    following = asyncio.create_task(entry.follow())

    async def inside(user: str) -> tuple[str, list[Browser]]:
        session, browsers = await session_of(login, user), [Browser(entry), Browser(entry, OTHER)]
        for browser in browsers:
            browser.log_in(session)
            assert browser.asks().status == 200
        return session, browsers

    async def logs_out(session: str) -> None:
        await login.log_out(session)

    async def is_given_another_password(_: str) -> None:
        await login.accounts.set_password("bob", "another password of many words", HERE)

    async def is_removed(_: str) -> None:
        await login.accounts.remove("bob", HERE)

    _, stays = await inside("owner")
    for number, end in enumerate((logs_out, is_given_another_password, is_removed)):
        if end is is_removed:
            await login.accounts.set_password("bob", PASSWORD, HERE)
        session, browsers = await inside("bob")
        sites.cut_again.clear()
        await end(session)
        async with asyncio.timeout(20):
            await sites.cut_again.wait()
        assert sites.cuts == 2 * (number + 1), "once more for what was on its way"
        assert [browser.asks().status for browser in browsers] == [303, 303]
        assert [browser.asks(sec_fetch_mode="cors").status for browser in browsers] == [401, 401]
    assert [browser.asks().status for browser in stays] == [200, 200], "nobody else is logged out"
    following.cancel()


async def test_a_session_in_an_app_outlives_the_daemon_and_use_of_the_app_keeps_it(world: World) -> None:
    login = await world.owned()
    browser = Browser(entry_of(login))
    browser.log_in(await session_of(login))
    login = await world.open()
    browser.entry = entry_of(login)
    for _ in range(5):
        world.now += 60
        assert browser.asks().status == 200, "it is used"
    world.now += 101
    assert browser.asks().status == 303


async def test_a_session_that_nobody_uses_any_longer_ends_what_goes_on_in_apps_too(world: World) -> None:
    login, sites = await world.owned(), Sites()
    entry = entry_of(login, sites)
    browser = Browser(entry)
    browser.log_in(await session_of(login))
    assert browser.asks().status == 200
    world.now += 99.9
    following = asyncio.create_task(entry.follow())
    await asyncio.sleep(0)
    assert sites.cuts == 0, "it is good for a tenth of a second yet"
    world.now += 0.2
    async with asyncio.timeout(20):
        await sites.cut_again.wait()
    assert browser.asks().status == 303
    following.cancel()


async def test_who_may_not_manage_apps_is_told_so_and_no_token_gets_in(world: World) -> None:
    login = await world.owned()
    entry = entry_of(login)
    for role in (Role.OPERATOR, Role.VIEWER):
        await login.accounts.add(role.value, role, PASSWORD, HERE)
        browser = Browser(entry)
        browser.log_in(await session_of(login, role.value))
        assert browser.asks().status == 403 and "not for your account" in browser.asks().body
    state = Browser(entry).state()
    for session in ("", "f" * 64):
        with pytest.raises(NodeError) as caught:
            entry.address(SITE, state, session)
        assert caught.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(NodeError) as caught:
        entry.address("http://evil.example", state, await session_of(login))
    assert caught.value.code is ErrorCode.INVALID_VALUE, "no code is sent to a place that is no app of this node"


async def test_a_program_gets_in_by_a_token_for_that_until_it_is_revoked(world: World) -> None:
    login, sites = await world.owned(), Sites()
    entry = entry_of(login, sites)
    following = asyncio.create_task(entry.follow())
    program = {"sec_fetch_site": "", "sec_fetch_mode": "", "accept": "*/*"}
    made = {
        name: await login.tokens.make(name, frozenset({permission}), 1, HERE)
        for name, permission in (("uses", Permission.APPS), ("manages", Permission.MANAGE))
    }
    for site in (SITE, SECURE):
        browser = Browser(entry, site)
        asked = {name: browser.asks(**program, authorization=f"Bearer {each.secret}") for name, each in made.items()}
        assert {name: answer.status for name, answer in asked.items()} == {"uses": 200, "manages": 403}
        for wrong in (
            made["uses"].secret,
            f"Basic {made['uses'].secret}",
            f"Bearer {made['uses'].secret}x",
            "Bearer x",
        ):
            assert browser.asks(**program, authorization=wrong).status == 401
    shown = f"Bearer {made['uses'].secret}"
    assert Browser(entry).asks(authorization=shown, sec_fetch_site="cross-site", sec_fetch_mode="cors").status == 403
    await login.tokens.revoke(made["uses"].token.id, HERE)
    async with asyncio.timeout(20):
        await sites.cut_again.wait()
    assert Browser(entry).asks(**program, authorization=shown).status == 401
    following.cancel()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"sec_fetch_site": "cross-site"}, 303),
        ({"sec_fetch_site": "cross-site", "sec_fetch_dest": "iframe"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, 403),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "websocket"}, 403),
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "origin": SITE}, 401),
        ({"sec_fetch_site": "same-origin", "archipelago_upgrade": "websocket"}, 401),
        ({"sec_fetch_site": "", "sec_fetch_mode": "", "origin": OTHER}, 403),
        ({"sec_fetch_site": "", "sec_fetch_mode": "", "origin": "null"}, 403),
        ({"sec_fetch_site": "", "sec_fetch_mode": "", "accept": "text/html,*/*"}, 303),
        ({"sec_fetch_site": "", "sec_fetch_mode": "", "accept": "*/*"}, 401),
    ],
)
async def test_only_what_a_browser_shows_is_sent_to_log_in(world: World, headers: dict[str, str], status: int) -> None:
    login = await world.owned()
    browser = Browser(entry_of(login))
    assert browser.asks(**headers).status == status
    browser.log_in(await session_of(login))
    expected = 200 if status in (303, 401) else 403
    assert browser.asks(**headers).status == expected, (
        "what a page elsewhere does is refused to the owner's browser too"
    )
    assert browser.asks(**{**headers, "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}).status in (
        200,
        403,
    )
    posted = browser.question("/", "POST", sec_fetch_site="cross-site")
    assert browser.entry.check(posted).status == 403


@given(st.text(max_size=40) | st.from_regex(r"/?[/\\@:.a-z\t\r\n%]{0,20}", fullmatch=True))
def test_the_way_back_never_leads_elsewhere(way: str) -> None:
    packed = base64.urlsafe_b64encode(way.encode("utf-8", "replace")).decode().rstrip("=")

    class Sessions:
        def redeem(self, site: str, state: str, code: str) -> str:
            return "f.f"

    class AnyLogin:
        apps = Sessions()

    browser = Browser(entry_of(AnyLogin()))  # type: ignore[arg-type]
    browser.jar = {"archipelago-state-abc": packed}
    answer = browser.enters("/.archipelago/login?code=x&state=abc")
    place = dict(answer.headers)["Location"]
    assert answer.status == 303 and place.startswith(f"{SITE}/") and place.isprintable() and place.isascii()
    assert urlsplit(place).netloc == "specter.localhost:8481"


async def test_one_logs_in_at_the_page_that_one_comes_from_if_it_is_the_nodes(world: World) -> None:
    login = await world.owned()
    browser = Browser(entry_of(login))
    for wrong in ("http://evil.example", "http://127.0.0.1:9", "javascript:alert(1)", ""):
        place = browser.take(browser.enters(f"/.archipelago/open?to=/x&page={wrong}"))
        assert place.startswith("http://127.0.0.1:8480/enter?"), wrong
    assert browser.take(browser.enters("/.archipelago/open?to=/x&page=http://localhost:8480")).startswith(
        "http://localhost:8480/enter?"
    )
    assert browser.take(browser.asks()).startswith("http://localhost:8480/enter?"), "and there again the next time"
    browser.jar["archipelago-page"] = "http://evil.example"
    assert browser.take(browser.asks()).startswith("http://127.0.0.1:8480/enter?")
    browser.log_in(await session_of(login))
    assert browser.take(browser.enters("/.archipelago/open?to=/x%3Fy")) == f"{SITE}/x?y", "who is in goes on"
    assert browser.take(browser.enters("/.archipelago/open?to=//evil.example")) == f"{SITE}//evil.example"
    assert browser.take(browser.enters("/.archipelago/open?to=https://evil.example")) == f"{SITE}/"
    for nothing in ("/.archipelago", "/.archipelago/", "/.archipelago/x", "/.archipelago/login/", "//[/.archipelago"):
        assert browser.enters(nothing).status in (400, 404)
    assert browser.entry.enter(browser.question("/.archipelago/open", sec_fetch_mode="cors")).status == 404


async def test_codes_that_nobody_redeems_take_no_room_for_ever(world: World) -> None:
    login = await world.owned()
    entry, session, browser = entry_of(login), await session_of(login), Browser(entry_of(login))
    first = entry.address(SITE, browser.state(), session)
    for _ in range(1000):
        entry.address(SITE, "x" * 22, session)
    assert len(login.apps._codes) == 1000 and browser.enters(first.removeprefix(SITE)).status == 403
    world.now += 61
    entry.address(SITE, "x" * 22, session)
    assert len(login.apps._codes) == 1


async def test_where_the_nodes_page_is_not_reached_one_is_told_so_and_does_not_pass(world: World) -> None:
    entry = entry_of(await world.owned())
    browser = Browser(entry)
    for answer in (
        entry.check(browser.question("/", archipelago_pages="")),
        entry.enter(browser.question("/.archipelago/open?to=/&page=http://mallory.onion", archipelago_pages="")),
    ):
        assert answer.status == 403 and "tor-node on" in answer.body
        assert not any(name in ("Location", "Set-Cookie") for name, _ in answer.headers)

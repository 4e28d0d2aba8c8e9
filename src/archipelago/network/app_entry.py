"""The node's login in front of apps that have none of their own: who may pass, and how one gets in.

Caddy asks about each request to such a site (`drivers/caddy/guarded_site`). Who is not logged in there is sent to the
node's own page, which has the session, and from there back with a code that makes a session at this origin alone
(`login/sessions/app_sessions`). The node's session itself is never sent to the host of an app.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from archipelago.errors import ErrorCode, NodeError
from archipelago.network.drivers.caddy.guarded_site import NODE_COOKIES, RESERVED
from archipelago.network.plain_page import PLAIN_PAGE_HEADERS, plain_page
from archipelago.security.login.login import Login, Visitor
from archipelago.storage.records.logins import TOKEN_PREFIX
from archipelago.storage.records.permissions import Permission
from archipelago.support.texts.text import msg

MAY_USE = Permission.APPS
"""What an app may do that has no login of its own, whoever reaches it may do: that is for its owner, and for programs
to which he gives a token for that."""
ENTRANCE = "/enter"
"""Path of the node's own page to which the page of an app sends a browser to log in."""
PAGE_DESTINATIONS = ("document", "empty")
"""What Chromium says of a page of its own (Sec-Fetch-Dest): the latter of a new one that was sent on. Frames differ."""
_SESSION, _STATE, _PAGE = (f"{NODE_COOKIES}{name}" for name in ("session", "state-", "page"))
_STATE_SECONDS, _PAGE_SECONDS = 600, 365 * 24 * 3600
_LONGEST_WAY_BACK = 2000
"""Bytes of an address on the site to which one returns after a login; a longer one is the site's first page."""
_STATE_BYTES = 16
_ON_ITS_WAY = 1.0
"""Seconds in which what was let in just before a session ended has reached the app."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a site, as Caddy describes it by the client's headers, and by its own, which start with Archipelago.

    Several lines of one are joined by commas.
    """

    headers: Mapping[str, str]
    """By name in lower case."""

    def _said(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    @property
    def site(self) -> str:
        """Origin of the site, such as `http://specter.localhost:8481`."""
        return self._said("Archipelago-Site")

    @property
    def pages(self) -> Sequence[str]:
        """Origins of the node's own page."""
        return self._said("Archipelago-Pages").split()

    @property
    def uri(self) -> str:
        """Path and query, as the client sent them."""
        return self._said("Archipelago-Uri")

    @property
    def token(self) -> str:
        """The token of the node that a program shows; empty where it shows none, or something that is the app's."""
        scheme, _, secret = self._said("Authorization").partition(" ")
        return secret if scheme.lower() == "bearer" and secret.startswith(TOKEN_PREFIX) else ""

    @property
    def is_secure(self) -> bool:
        """Whether it came by TLS."""
        return self.site.startswith("https:")

    @property
    def shows_page(self) -> bool:
        """Whether a browser asks for what it will show as a page of its own, so that it can be sent elsewhere."""
        if self._said("Archipelago-Method") not in ("GET", "HEAD") or self._said("Archipelago-Upgrade"):
            return False
        if mode := self._said("Sec-Fetch-Mode"):
            return mode == "navigate" and self._said("Sec-Fetch-Dest") in PAGE_DESTINATIONS
        return "text/html" in self._said("Accept")

    @property
    def is_foreign(self) -> bool:
        """Whether a page of another origin had a browser send it."""
        if fetched := self._said("Sec-Fetch-Site"):
            return fetched not in ("same-origin", "none")
        return self._said("Origin") not in ("", self.site)

    @property
    def cookies(self) -> Sequence[tuple[str, str]]:
        """The cookies, in order."""
        parts = self._said("Cookie").replace(",", ";").split(";")
        pairs = (part.strip().partition("=") for part in parts)
        return [(name, value) for name, _, value in pairs]

    def kept(self, name: str) -> Sequence[str]:
        """Return what the browser keeps under the name of a cookie of the node; an app may have added others."""
        full = cookie_name(name, secure=self.is_secure)
        return [value for each, value in self.cookies if each == full]


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """What is answered in the place of an app; one of 200 without a body lets the request pass."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""


class GuardedSites(Protocol):
    """Knows the sites that are behind the node's login."""

    @property
    def guarded(self) -> frozenset[str]:
        """Their origins."""
        ...


class AppEntry:
    """Lets people in to apps that have no login of their own; `cut` ends all that goes on in those."""

    def __init__(self, login: Login, sites: GuardedSites, cut: Callable[[], None]) -> None:
        self._login = login
        self._sites = sites
        self._cut = cut
        self._inside: set[str] = set()
        """Sessions by which somebody has passed since connections were last ended."""

    async def follow(self) -> None:
        """End what goes on in apps as soon as a session ends that was used there, until cancelled."""
        while True:
            await self._login.until_one_ended(lambda: self._inside)
            self._inside.clear()
            self._cut()
            await asyncio.sleep(_ON_ITS_WAY)
            self._cut()

    def address(self, site: str, state: str, session: str) -> str:
        """Return where the browser of a session goes on to get into a site. Raises `NodeError`."""
        if site not in self._sites.guarded:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{site} is no page of an app that is behind the node's login now", site=site),
                hint=msg("open the app from the node's own page"),
            )
        if not self._login.is_session(session):
            raise NodeError(
                ErrorCode.FORBIDDEN, msg("no token may do this"), hint=msg("open the app from the node's own page")
            )
        code = self._login.apps.new_code(site, state, session)
        return f"{site}{RESERVED}/login?{urlencode({'code': code, 'state': state})}"

    def check(self, question: Question) -> EntryAnswer:
        """Return whether a request may pass to the app, and what is answered otherwise."""
        if question.is_foreign and not question.shows_page:
            return _refused(403, "A page of another site may not do this.")
        visitor = self._visitor(question)
        if visitor is None:
            if question.shows_page:
                return self._begin(question, question.uri)
            return _refused(401, "Log in on the page of the node first.")
        if MAY_USE not in visitor.permissions:
            if not question.shows_page:
                return _refused(403, "This token may not use apps that have no login of their own.")
            return _page(403, "This page is not for your account", "It is for the owner of the node. Log in as such.")
        self._inside.add(visitor.session)
        return EntryAnswer(200)

    def enter(self, question: Question) -> EntryAnswer:
        """Answer a request to the node's own path on a site."""
        try:
            parts = urlsplit(question.uri)
        except ValueError:
            return _refused(400, "This is no address.")
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if not question.shows_page:
            return _refused(404, "There is nothing here for a program.")
        match parts.path:
            case "/.archipelago/open":
                return self._open(question, given)
            case "/.archipelago/login":
                return self._take(question, given)
        return _page(404, "No such page", "The node has no page here.")

    def _visitor(self, question: Question) -> Visitor | None:
        if token := question.token:
            return self._login.by_token(token)
        found = (self._login.by_app_session(question.site, kept) for kept in question.kept(_SESSION))
        return next((visitor for visitor in found if visitor is not None), None)

    def _open(self, question: Question, given: Mapping[str, str]) -> EntryAnswer:
        """Go to the site, and log in at that origin of the node's page from which one comes."""
        way = given.get("to", "/")
        if self._visitor(question) is not None:
            return _moved(question, way)
        page = given.get("page", "")
        if page not in question.pages:
            return self._begin(question, way)
        answer = self._begin(question, way, page)
        kept = _cookie(question, _PAGE, page, seconds=_PAGE_SECONDS)
        return EntryAnswer(answer.status, (*answer.headers, kept))

    def _begin(self, question: Question, way: str, page: str = "") -> EntryAnswer:
        """Send a browser to the node's page, and have it keep where it wants to, and by what it is known again."""
        if not question.pages:
            return _page(403, *_NO_PAGE)
        state = secrets.token_urlsafe(_STATE_BYTES)
        kept = next((each for each in question.kept(_PAGE) if each in question.pages), question.pages[0])
        place = f"{page or kept}{ENTRANCE}?{urlencode({'site': question.site, 'state': state})}"
        packed = base64.urlsafe_b64encode(way.encode("utf-8", "replace")[: _LONGEST_WAY_BACK + 1]).decode()
        cookie = _cookie(question, _STATE + state, packed.rstrip("="), seconds=_STATE_SECONDS)
        return EntryAnswer(303, (("Location", place), cookie, _NOT_KEPT))

    def _take(self, question: Question, given: Mapping[str, str]) -> EntryAnswer:
        """Start the session for which the node's page gave a code, in the browser alone that has asked for it."""
        state = given.get("state", "")
        asked = question.kept(_STATE + state) if state else ()
        session = self._login.apps.redeem(question.site, state, given.get("code", "")) if asked else None
        if session is None:
            return _page(
                403,
                "This link does not work any more",
                "It works once, for a minute, in the browser that asked for it.",
                link=("/", "Open the app"),
            )
        answer = _moved(question, _unpacked(asked[0]))
        kept = _cookie(question, _SESSION, session)
        spent = _cookie(question, _STATE + state, "", seconds=0)
        return EntryAnswer(answer.status, (*answer.headers, kept, spent))


_NOT_KEPT = ("Cache-Control", "no-store")
_NO_PAGE = (
    "Nobody can log in here",
    "This page is behind the login of its node, whose own page is not reached through Tor. "
    "Its owner switches that on: 'archipelago network tor-node on'.",
)


def cookie_name(name: str, *, secure: bool) -> str:
    """Return the name of a cookie of the node on the host of an app.

    By TLS, browsers take one with this prefix from this host alone, and never without TLS (RFC 6265bis, 4.1.3.2).
    """
    return f"__Host-{name}" if secure else name


def _cookie(question: Question, name: str, value: str, *, seconds: int | None = None) -> tuple[str, str]:
    words = [f"{cookie_name(name, secure=question.is_secure)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if seconds is not None:
        words.append(f"Max-Age={seconds}")
    if question.is_secure:
        words.append("Secure")
    return "Set-Cookie", "; ".join(words)


def _moved(question: Question, way: str) -> EntryAnswer:
    """Send a browser on within the site, whatever the way says."""
    good = way.startswith("/") and way.isascii() and way.isprintable() and len(way) <= _LONGEST_WAY_BACK
    return EntryAnswer(303, (("Location", question.site + (way if good else "/")), _NOT_KEPT))


def _unpacked(packed: str) -> str:
    try:
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        return "/"


def _refused(status: int, text: str) -> EntryAnswer:
    return EntryAnswer(status, (("Content-Type", "text/plain; charset=utf-8"), _NOT_KEPT), f"{text}\n")


def _page(status: int, title: str, text: str, *, link: tuple[str, str] | None = None) -> EntryAnswer:
    return EntryAnswer(status, tuple(PLAIN_PAGE_HEADERS.items()), plain_page(title, text, link=link))

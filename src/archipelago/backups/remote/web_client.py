"""Asks a storage service by HTTP, over a connection that is held."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from archipelago.backups.folder_proofs import LARGEST_SEALED
from archipelago.backups.remote.objects import StoreRefused, store_refused
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.connections.connection_words import connection_words
from archipelago.support.connections.outward import ForbiddenAddress, permitted
from archipelago.support.connections.outward_http import OutwardResolver
from archipelago.support.texts.text import msg

_PATIENCE = 20.0
"""Seconds for one answer."""
_ANSWERS = 16 * 1024**2
"""Bytes of an answer, such as a list."""


class AnswerCutOff(NodeError):
    """A service has sent less than it had announced."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a service has answered."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def words(self) -> str:
        """For an error."""
        text = self.body[:300].decode(errors="replace").replace("\n", " ")
        return f"{self.status} {self.reason} {text}".strip()


@dataclass(frozen=True, slots=True)
class WebClient:
    """Asks one service. Raises `NodeError` where it does not answer, `AnswerCutOff` where it does so in part."""

    where: str
    """For people."""
    _session: aiohttp.ClientSession

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> WebAnswer:
        """Return an answer of any status; redirects are not followed, since a login goes with each request."""
        parts = urlsplit(url)
        try:
            # aiohttp asks no resolver about a host that is written as an address.
            await permitted(parts.hostname or "", parts.port or 443)
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            ) as response:
                content = await _limited(response)
                return WebAnswer(response.status, response.reason or "", response.headers, content)
        except ForbiddenAddress as error:
            raise self._not_reached(str(error.args[0])) from error
        except aiohttp.ClientPayloadError as error:
            found = self._not_reached(connection_words(error))
            raise AnswerCutOff(found.code, found.message, hint=found.hint, data=found.data) from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._not_reached(connection_words(error)) from error

    def refused(self, answer: WebAnswer) -> StoreRefused:
        """Return the error for an answer that was not wanted."""
        return store_refused(self.where, answer.words)

    def _not_reached(self, reason: str) -> NodeError:
        return NodeError(
            ErrorCode.INTERNAL,
            msg("the server cannot be reached: {reason}", reason=reason),
            hint=msg("look whether the target can be reached; the next attempt is made by itself"),
            data={"target": self.where},
        )


@contextlib.asynccontextmanager
async def web_client(where: str) -> AsyncIterator[WebClient]:
    """Hold connections to a service."""
    context = await asyncio.to_thread(ssl.create_default_context)
    # No proxy of the environment: restic gets none either.
    connector = aiohttp.TCPConnector(resolver=OutwardResolver(), ssl=context)
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    headers = {"User-Agent": "archipelago"}
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        yield WebClient(where, session)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > max(_ANSWERS, LARGEST_SEALED):
            raise ValueError("the answer is too long")
    return bytes(content)

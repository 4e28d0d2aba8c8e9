"""Files in a bucket of a storage service that speaks S3, beside the repository there."""

import contextlib
import html
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from archipelago.api.backups import S3Target
from archipelago.backups.remote.objects import StoredObject, store_refused
from archipelago.backups.remote.remote_proofs import CONFIG
from archipelago.backups.remote.s3_signature import S3Login, quoted_path, quoted_query, signed
from archipelago.backups.remote.web_client import WebAnswer, WebClient, web_client

_REGION = "us-east-1"
"""That of services without regions, and of those who say which other one they have."""
_HEADER = "x-amz-bucket-region"
_GLOBAL = "s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class S3Objects:
    """Files beside the repository of one such target."""

    target: S3Target
    secret: str = field(repr=False)
    where: str
    """For people."""

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator["S3Session"]:
        """Hold a connection."""
        parts = urlsplit(self.target.url)
        bucket, _, folder = unquote(parts.path).strip("/").partition("/")
        async with web_client(self.where) as client:
            login = S3Login(self.target.access_key, self.secret, _REGION)
            yield S3Session(client, f"{parts.scheme}://{parts.netloc}", bucket, f"{folder}/" if folder else "", login)


@dataclass(slots=True)
class S3Session:
    """Writes and reads files over one connection."""

    client: WebClient
    server: str
    bucket: str
    prefix: str
    """What the names of all objects of the repository start with."""
    login: S3Login
    _asked: bool = False
    """Whether the region was asked for."""

    async def get(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        answer = await self._ask("GET", self.prefix + path)
        if answer.status == 404:
            return None
        return self._good(answer).body

    async def put(self, path: str, content: bytes) -> StoredObject:
        """Write a file, in the place of one that is there, and read it back; nothing where there is no repository."""
        config = await self.get(CONFIG)
        if config is None:
            return StoredObject()
        self._good(await self._ask("PUT", self.prefix + path, body=content))
        return StoredObject(config, await self.get(path))

    async def paths(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all files in a folder and in those below it."""
        found: list[str] = []
        token = ""
        while True:
            query = [("list-type", "2"), ("prefix", f"{self.prefix}{folder}/"), ("encoding-type", "url")]
            answer = await self._ask("GET", "", [*query, *([("continuation-token", token)] if token else [])])
            text = self._good(answer).body.decode(errors="replace")
            found += (unquote(key).removeprefix(self.prefix) for key in _texts(text, "Key"))
            token = next(iter(_texts(text, "NextContinuationToken")), "")
            if not token:
                return tuple(found)

    async def delete(self, path: str) -> None:
        """Delete a file."""
        self._good(await self._ask("DELETE", self.prefix + path))

    def _good(self, answer: WebAnswer) -> WebAnswer:
        if 200 <= answer.status < 300:
            return answer
        text = answer.body.decode(errors="replace")
        said = [*_texts(text, "Code"), *_texts(text, "Message")]
        raise store_refused(self.client.where, ": ".join(said)) if said else self.client.refused(answer)

    async def _ask(self, method: str, key: str, query: Sequence[tuple[str, str]] = (), body: bytes = b"") -> WebAnswer:
        answer = await self._send(method, key, query, body)
        if answer.status in (301, 307, 400, 403) and not self._asked:
            self._asked = True
            if await self._found_region(answer):
                answer = await self._send(method, key, query, body)
        return answer

    async def _found_region(self, answer: WebAnswer) -> bool:
        """Find out where the bucket is, as a refusal or the service itself says; return whether that is elsewhere."""
        said = answer.headers.get(_HEADER) or next(iter(_texts(answer.body.decode(errors="replace"), "Region")), "")
        if not said:
            located = await self._send("GET", "", [("location", "")], b"")
            said = next(iter(_texts(located.body.decode(errors="replace"), "LocationConstraint")), "")
        if not re.fullmatch(r"[a-z0-9-]{1,60}", said) or said == self.login.region:
            return False
        self.login = S3Login(self.login.access_key, self.login.secret, said)
        if self.server == f"https://{_GLOBAL}":
            self.server = f"https://s3.{said}.amazonaws.com"
        return True

    async def _send(self, method: str, key: str, query: Sequence[tuple[str, str]], body: bytes) -> WebAnswer:
        asked = f"?{quoted_query(query)}" if query else ""
        url = f"{self.server}{quoted_path(f'/{self.bucket}/{key}' if key else f'/{self.bucket}')}{asked}"
        return await self.client.ask(method, url, signed(method, url, body, self.login, datetime.now(UTC)), body)


def _texts(answer: str, name: str) -> Sequence[str]:
    """Return what is in each element of a name: lists and refusals are flat enough for that. Pure."""
    return [html.unescape(each) for each in re.findall(rf"<{name}(?: [^>]*)?>([^<]*)</{name}>", answer)]

"""Files at a server that speaks restic's own protocol (https://restic.readthedocs.io/en/stable/100_references.html).

It takes no other files into a repository than those of restic, and many name theirs by their digest. So ours are in a
place of their own beside it, as blobs of which the first line is the path.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from archipelago.api.backups import RestTarget
from archipelago.backups.folder_proofs import LARGEST_SEALED, PROOFS
from archipelago.backups.remote.objects import StoredObject, store_refused
from archipelago.backups.remote.remote_proofs import CONFIG
from archipelago.backups.remote.web_client import AnswerCutOff, WebAnswer, WebClient, web_client

_LISTS = {"Accept": "application/vnd.x.restic.rest.v2"}
_BLOBS = {"Content-Type": "application/octet-stream"}
_AT_ONCE = 8
_LONGEST_PATH = 1000


@dataclass(slots=True)
class RestPlace:
    """What is known of the place of our files at one server."""

    base: str = ""
    """Its URL; empty while none is known."""
    blobs: dict[str, str] = field(default_factory=dict)
    """Path -> name of the newest blob that has it."""


@dataclass(frozen=True, slots=True)
class RestObjects:
    """Files beside the repository of one such target."""

    target: RestTarget
    secret: str = field(repr=False)
    where: str
    """For people."""
    place: RestPlace

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator["RestSession"]:
        """Hold a connection."""
        login = f"{self.target.user}:{self.secret}"
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if self.target.user else {}
        async with web_client(self.where) as client:
            yield RestSession(client, self.target.url.rstrip("/"), headers, self.place)


@dataclass(frozen=True, slots=True)
class RestSession:
    """Writes and reads files over one connection."""

    client: WebClient
    url: str
    login: Mapping[str, str] = field(repr=False)
    place: RestPlace

    async def get(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        if path == CONFIG:
            answer = await self._ask("GET", f"{self.url}/{CONFIG}")
            return self._found(answer)
        if path not in self.place.blobs:
            await self.paths(path)
        name = self.place.blobs.get(path)
        blob = await self._blob(name) if name is not None else None
        return blob[1] if blob is not None else None

    async def put(self, path: str, content: bytes) -> StoredObject:
        """Write a file and read it back; nothing where there is no repository."""
        config = await self.get(CONFIG)
        if config is None:
            return StoredObject()
        blob = f"{path}\n".encode() + content
        name = hashlib.sha256(blob).hexdigest()
        answer = await self._ask("POST", f"{await self._base()}/data/{name}", _BLOBS, blob)
        if answer.status != 200:
            raise self.client.refused(answer)
        self.place.blobs[path] = name
        return StoredObject(config, await self.get(path))

    async def paths(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all files in a folder; the servers list nothing but names of blobs."""
        for base in self._bases():
            answer = await self._ask("GET", f"{base}/data/", _LISTS)
            if answer.status == 200:
                self.place.base = base
                await self._read(_sizes(answer.body))
                return tuple(path for path in self.place.blobs if path == folder or path.startswith(f"{folder}/"))
            if answer.status not in (401, 403, 404):
                raise self.client.refused(answer)
        return ()

    async def delete(self, path: str) -> None:
        """Delete a file."""
        if path not in self.place.blobs:
            await self.paths(path)
        if (name := self.place.blobs.get(path)) is None:
            return
        answer = await self._ask("DELETE", f"{self.place.base}/data/{name}")
        if answer.status not in (200, 404):
            raise self.client.refused(answer)
        del self.place.blobs[path]

    async def _read(self, sizes: Mapping[str, int]) -> None:
        """Find out which paths the blobs have that are not known yet."""
        known = self.place.blobs
        for path, name in tuple(known.items()):
            if name not in sizes:
                del known[path]
        few = asyncio.Semaphore(_AT_ONCE)

        async def one(name: str) -> None:
            async with few:
                blob = await self._blob(name)
            if blob is not None:
                known.setdefault(blob[0], name)

        new = [name for name, size in sizes.items() if name not in known.values() and size <= LARGEST_SEALED]
        await asyncio.gather(*map(one, new))

    async def _blob(self, name: str) -> tuple[str, bytes] | None:
        """Return the path and the content of a blob; None where it is not what was written."""
        try:
            content = self._found(await self._ask("GET", f"{self.place.base}/data/{name}"))
        except AnswerCutOff:
            return None
        if content is None or hashlib.sha256(content).hexdigest() != name:
            return None
        path, _, rest = content.partition(b"\n")
        return (path.decode(errors="replace"), rest) if len(path) < _LONGEST_PATH else None

    async def _base(self) -> str:
        """Return the place of our files, which is made where there is none yet."""
        if self.place.base and self.place.blobs:
            return self.place.base
        answer: WebAnswer | None = None
        for base in self._bases():
            answer = await self._ask("POST", f"{base}/?create=true")
            if answer.status == 200:
                self.place.base = base
                return base
        raise self.client.refused(answer) if answer is not None else store_refused(self.client.where, "404 Not Found")

    def _bases(self) -> tuple[str, ...]:
        """Return the places that may do: rest-server has repositories at most two folders deep."""
        sub, beside = f"{self.url}/{PROOFS}", f"{self.url}-{PROOFS}"
        return (sub, beside) if self.url.count("/") > 2 else (sub,)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> WebAnswer:
        return await self.client.ask(method, url, {**self.login, **(headers or {})}, body)

    def _found(self, answer: WebAnswer) -> bytes | None:
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.client.refused(answer)
        return answer.body


def _sizes(text: bytes) -> Mapping[str, int]:
    """Return the names of blobs and their bytes; what is not understood is none. Pure."""
    try:
        found = json.loads(text) or ()
        return {str(each["name"]): int(each["size"]) for each in found}
    except (ValueError, LookupError, TypeError):
        return {}

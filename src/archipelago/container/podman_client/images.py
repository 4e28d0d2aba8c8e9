"""Images, as Podman's API deals with them."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from archipelago.container.podman_client.errors import (
    BadRequest,
    ImageMissing,
    NameMismatch,
    NotFound,
    PodmanCall,
    PodmanFailure,
    PodmanPanic,
    PodmanUnavailable,
    StorageDamaged,
    error_from_text,
)
from archipelago.container.podman_client.models import ImageDetails, ImageProgress, ImageSummary, RemovedImages
from archipelago.container.podman_client.wire.replies import image_details, image_summary
from archipelago.container.podman_client.wire.requests import filters, label_filter
from archipelago.container.podman_client.wire.tar import read_pieces
from archipelago.container.podman_client.wire.transport import Params, Transport, inner_error, objects, parse

_IMPORT_TIMEOUT = 1800.0
_IDLE_TIMEOUT = 1800.0
_REMOVE_TIMEOUT = 120.0
_BLOCK = 512
"""Bytes of a block of a tar file."""
_MOST_BLOCKS = 2000

# Podman completes short names from its configuration and matches ends of names, so ours name a registry and a tag.
_HOST = r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:))(?::\d+)?"
_REFERENCE = re.compile(rf"{_HOST}/[a-z0-9._/-]+(?::[\w][\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?")
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


class Images:
    """What can be done with images. A reference names registry, path and tag or digest; or it is a full ID."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._naming = asyncio.Lock()
        """Podman 4.3 reads and writes all names of an image to give it one: of two at the same time, one is lost."""

    async def list(
        self,
        *,
        labels: Mapping[str, str | None] | None = None,
        dangling: bool | None = None,
        reference: str | None = None,
    ) -> tuple[ImageSummary, ...]:
        """List images that carry all `labels` (a value of None: any); `dangling` ones have no name.

        `reference` is a name, in which `*` is any part without a slash. Raise StorageDamaged when one of the images
        that fit is damaged; Podman does not look at others. Podman 5.4 leaves some that are damaged out of the list.
        """
        call = PodmanCall("list images")
        wanted = None if dangling is None else [str(dangling).lower()]
        params = filters(
            label=label_filter(labels), dangling=wanted, reference=None if reference is None else [reference]
        )
        return tuple(
            image_summary(item) for item in await self._transport.json("GET", "/images/json", call, params=params) or ()
        )

    async def exists(self, reference: str) -> bool:
        """Return whether exactly this image is here."""
        try:
            await self.inspect(reference)
        except (NotFound, NameMismatch):
            return False
        return True

    async def inspect(self, reference: str) -> ImageDetails:
        """Look at one image closely; raise ImageMissing, StorageDamaged."""
        call = PodmanCall("inspect image", reference)
        try:
            details = image_details(
                await self._transport.json("GET", f"/images/{_checked(call, reference)}/json", call)
            )
        except NotFound as error:
            raise ImageMissing(call, error.message, status=error.status, cause=error.cause) from error
        except PodmanPanic as error:
            # Podman 4.3 reads on where a part is missing, as it is for a moment while another process stores an image.
            raise StorageDamaged(call, error.message, status=error.status, cause=error.cause) from error
        if not _is(reference, details):
            raise NameMismatch(call, f"Podman answered for {', '.join(details.names) or details.id}")
        return details

    async def pull(
        self, reference: str, *, policy: str = "missing", tls_verify: bool = True
    ) -> AsyncGenerator[ImageProgress, None]:
        """Fetch an image from its registry; the last progress carries its ID. An error inside the stream is raised."""
        call = PodmanCall("pull image", reference)
        params: Params = {"reference": _checked(call, reference), "policy": policy, "tlsVerify": tls_verify}
        image_id: str | None = None
        async with self._transport.stream(
            "POST", "/images/pull", call, params=params, begin=None, idle=_IDLE_TIMEOUT
        ) as pieces:
            async for item in objects(call, pieces):
                _raise_inner(call, item)
                if text := item.get("stream"):
                    yield ImageProgress(str(text).rstrip("\n"))
                image_id = str(item.get("id") or image_id or "") or None
        if not image_id:
            raise PodmanUnavailable(call, "the stream ended before the image was here")
        yield ImageProgress("", image_id)

    async def import_tar(self, reference: str, path: Path, *, changes: Sequence[str] = (), message: str = "") -> str:
        """Make an image of a root file system in a tar file and return its ID; `changes` are Containerfile lines."""
        call = PodmanCall("import image", reference)
        params: Params = {"reference": _checked(call, reference), "changes": [*changes], "message": message or None}
        # The same file, sent twice at the same time, makes one image.
        async with self._naming:
            try:
                return await self._imported(call, params, path)
            except StorageDamaged:
                # A kill that cut a removal off may leave a layer of no image, which no call removes. Podman takes it up
                # for whatever has its digest, and fails. Zeros behind the end of an archive change only the digest.
                return await self._imported(call, params, path, _BLOCK * (1 + secrets.randbelow(_MOST_BLOCKS)))

    async def _imported(self, call: PodmanCall, params: Params, path: Path, zeros: int = 0) -> str:
        async with self._sent(path, "/images/import", call, params, zeros) as pieces:
            body = b"".join([piece async for piece in pieces])
        reply = parse(call, body)
        if not isinstance(reply, dict) or not reply.get("Id"):
            raise PodmanFailure(call, f"the reply names no image: {body[:200]!r}")
        return str(reply["Id"]).removeprefix("sha256:")

    def _sent(
        self, tar: Path, path: str, call: PodmanCall, params: Params, zeros: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Send a tar file, and zeros behind it; yield what is said of it meanwhile."""
        return self._transport.stream(
            "POST",
            path,
            call,
            params=params,
            data=read_pieces(tar, zeros),
            content_type="application/x-tar",
            begin=_IMPORT_TIMEOUT,
            idle=_IDLE_TIMEOUT,
        )

    async def tag(self, source: str, reference: str) -> None:
        """Give an image another name."""
        call = PodmanCall("tag image", f"{source} as {reference}")
        repository, tag = _split(_checked(call, reference))
        path = f"/images/{_checked(call, source)}/tag"
        async with self._naming:
            await self._transport.request("POST", path, call, params={"repo": repository, "tag": tag}, idempotent=True)

    async def untag(self, image: str) -> None:
        """Take all names away from an image, which stays; `image` is its ID."""
        call = PodmanCall("take the names of image", image)
        await self._transport.request("POST", f"/images/{_checked(call, image)}/untag", call, idempotent=True)

    async def remove(self, reference: str, *, force: bool = False, ignore_missing: bool = True) -> RemovedImages:
        """Take an image's name away and, when it was the last, the image; raise Conflict when a container uses it."""
        call = PodmanCall("remove image", reference)
        if not _ID.fullmatch(reference) and not await self.exists(reference):
            if ignore_missing:
                return RemovedImages(())
            raise ImageMissing(call, "no such image", status=404)
        try:
            reply = await self._transport.json(
                "DELETE", f"/images/{_checked(call, reference)}", call, params={"force": force}, timeout=_REMOVE_TIMEOUT
            )
        except NotFound:
            if ignore_missing:
                return RemovedImages(())
            raise
        for text in (reply or {}).get("Errors") or ():
            raise error_from_text(call, str(text), status=200)
        return RemovedImages(tuple((reply or {}).get("Deleted") or ()))

    async def prune(self, *, labels: Mapping[str, str | None] | None = None) -> RemovedImages:
        """Remove images without a name and without a container."""
        call = PodmanCall("prune images")
        params = filters(label=label_filter(labels), dangling=["true"])
        status, body = await self._transport.request(
            "POST", "/images/prune", call, params=params, idempotent=True, timeout=_REMOVE_TIMEOUT
        )
        reply = parse(call, body) or []
        if error := inner_error(call, reply, status):
            raise error
        return RemovedImages(tuple(item["Id"] for item in reply), sum(item.get("Size") or 0 for item in reply))


def _checked(call: PodmanCall, reference: str) -> str:
    if not _ID.fullmatch(reference) and not _REFERENCE.fullmatch(reference):
        raise BadRequest(call, f"{reference!r} is neither a full ID nor a name with its registry")
    return reference


def _split(reference: str) -> tuple[str, str]:
    repository, colon, tag = reference.partition("@")[0].rpartition(":")
    if colon and "/" not in tag:
        return repository, tag
    return reference.partition("@")[0], "latest"


def _is(reference: str, image: ImageDetails) -> bool:
    if _ID.fullmatch(reference):
        return image.id.removeprefix("sha256:") == reference.removeprefix("sha256:")
    repository, tag = _split(reference)
    if "@" in reference:
        return f"{repository}@{reference.partition('@')[2]}" in image.repo_digests
    return f"{repository}:{tag}" in image.names


def _raise_inner(call: PodmanCall, item: dict[str, Any]) -> None:
    if text := item.get("error") or (item.get("errorDetail") or {}).get("message"):
        raise error_from_text(call, str(text), status=200)

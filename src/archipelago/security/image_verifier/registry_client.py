"""Reads small documents from container registries (OCI distribution spec 1.1): manifests and signatures, no images.

Only HTTPS, with the certificates of the system and those of containers-certs.d(5). Anonymous: a registry that asks for
a token gets one that it gives to everybody.
"""

import asyncio
import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.connections.connection_words import connection_words
from archipelago.support.texts.text import msg

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_MOST_REFERRERS = 50
_LARGEST = 1 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15)
_CHALLENGE = re.compile(r'(realm|service|scope)="([^"]*)"')
_DOCKER_HUB = "registry-1.docker.io"


class RegistryClient:
    """Asks registries. `home` is that of the user whose Podman pulls the images."""

    def __init__(self, home: Path) -> None:
        self._home = home

    async def manifest(self, registry: str, repository: str, tag: str) -> dict[str, Any] | None:
        """Return the manifest behind a tag or digest, None where there is none. Raises `NodeError`."""
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        text = await self._get(registry, repository, f"manifests/{tag}", headers)
        if text is None:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _failed(registry, "what it sends as a manifest is none")
        return found

    async def referrers(self, registry: str, repository: str, digest: str, kind: str) -> list[str]:
        """Return the digests of manifests of a kind that are about another one (OCI distribution spec 1.1).

        Registries without that API have an index under a tag made of the digest. Raises `NodeError`.
        """
        text = await self._get(registry, repository, f"referrers/{digest}", {"Accept": _INDEX_TYPE})
        if text is None:
            text = await self._get(
                registry, repository, f"manifests/{digest.replace(':', '-')}", {"Accept": _INDEX_TYPE}
            )
        try:
            listed = json.loads(text)["manifests"] if text is not None else []
            return [one["digest"] for one in listed[:_MOST_REFERRERS] if one.get("artifactType") == kind]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise _failed(registry, "what it sends as an index is none") from None

    async def blob(self, registry: str, repository: str, digest: str) -> bytes | None:
        """Return a blob that has this digest, None where there is none. Raises `NodeError`."""
        content = await self._get(registry, repository, f"blobs/{digest}", {})
        if content is not None and f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise _failed(registry, f"what it sends has not the digest {digest}")
        return content

    async def _get(self, registry: str, repository: str, path: str, headers: Mapping[str, str]) -> bytes | None:
        host = _DOCKER_HUB if registry == "docker.io" else registry
        context = await asyncio.to_thread(self._context, registry)
        url = f"https://{host}/v2/{repository}/{path}"
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
                status, body, challenge = await _fetch(session, url, headers, context)
                if status == 401 and challenge:
                    token = await _token(session, challenge, context)
                    status, body, _ = await _fetch(
                        session, url, {**headers, "Authorization": f"Bearer {token}"}, context
                    )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _failed(registry, connection_words(error)) from error
        if status == 404:
            return None
        if status != 200:
            raise _failed(registry, f"it answers with status {status}")
        return body

    def _context(self, registry: str) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for folder in (self._home / ".config/containers/certs.d", Path("/etc/containers/certs.d")):
            for file in sorted((folder / registry).glob("*.crt")):
                context.load_verify_locations(file)
        return context


async def _fetch(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], context: ssl.SSLContext
) -> tuple[int, bytes, str]:
    # Blobs may lie elsewhere, where the registry leads to; never in the clear.
    async with session.get(url, headers=headers, ssl=context, max_redirects=5) as response:
        if response.url.scheme != "https":
            raise ValueError("it leads to a place without TLS")
        body = await response.content.read(_LARGEST + 1)
        while len(body) <= _LARGEST and (more := await response.content.read(_LARGEST + 1 - len(body))):
            body += more
        if len(body) > _LARGEST:
            raise ValueError(f"it sends more than {_LARGEST} bytes")
        return response.status, body, response.headers.get("WWW-Authenticate", "")


async def _token(session: aiohttp.ClientSession, challenge: str, context: ssl.SSLContext) -> str:
    """Return the token that a registry gives to everybody (distribution spec, token authentication)."""
    wanted = dict(_CHALLENGE.findall(challenge))
    realm = wanted.pop("realm", "")
    if not challenge.lower().startswith("bearer ") or not realm.startswith("https://"):
        raise ValueError("it asks for a login")
    async with session.get(realm, params=wanted, ssl=context) as response:
        found = json.loads(await response.content.read(_LARGEST))
    token = found.get("token") or found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(token, str):
        raise ValueError("it gives no token to unknown clients")
    return token


def _failed(registry: str, reason: str) -> NodeError:
    return NodeError(
        ErrorCode.IMAGE,
        msg("the registry {registry} cannot be asked for signatures: {reason}", registry=registry, reason=reason),
        hint=msg("check the network"),
    )

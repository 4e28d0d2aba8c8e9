"""Who is said to have signed an image, and how that is checked against what the registry has."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.package import AppPackage
from archipelago.security.image_verifier.keyless import BUNDLE_TYPE, LARGEST_BUNDLE, any_bundle_good
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.image_verifier.signature import (
    LARGEST_PAYLOAD,
    PAYLOAD_TYPE,
    SIGNATURE_KEY,
    ImageName,
    any_good,
    fingerprint,
    read_key,
)

KEYLESS = "sigstore:"
"""How the names of signers without a key start."""
_MOST_SIGNATURES = 50
_DIGITS = 64


class Signer(Protocol):
    """Who signs."""

    @property
    def name(self) -> str:
        """By which the node remembers him. Raises `BadSignature`."""
        ...

    async def check(self, name: ImageName, registries: RegistryClient) -> None:
        """Raise `BadSignature` unless he signed the image."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Whoever has the private half of a key (PEM)."""

    pem: bytes

    @property
    def name(self) -> str:
        """The fingerprint of the key."""
        return fingerprint(read_key(self.pem))

    async def check(self, name: ImageName, registries: RegistryClient) -> None:
        """Look for signatures under the tag where cosign keeps them."""
        manifest = await registries.manifest(name.registry, name.repository, name.signature_tag)
        found: list[tuple[bytes, str]] = []
        for layer in _layers(manifest, PAYLOAD_TYPE):
            annotations = layer.get("annotations")
            signature = annotations.get(SIGNATURE_KEY) if isinstance(annotations, dict) else None
            payload = await _blob(registries, name, layer.get("digest"), LARGEST_PAYLOAD)
            if payload is not None and isinstance(signature, str):
                found.append((payload, signature))
        any_good(name, read_key(self.pem), found)


@dataclass(frozen=True, slots=True)
class IdentitySigner:
    """Whoever an issuer of OpenID Connect tokens knew by an identity."""

    identity: str
    issuer: str
    trusted_root: Path | None = None

    @property
    def name(self) -> str:
        """Identity and issuer."""
        return f"{KEYLESS}{self.identity} ({self.issuer})"

    async def check(self, name: ImageName, registries: RegistryClient) -> None:
        """Look for bundles among what the registry says to be about the image (OCI 1.1, referrers)."""
        bundles = []
        for digest in await registries.referrers(name.registry, name.repository, name.digest, BUNDLE_TYPE):
            manifest = await registries.manifest(name.registry, name.repository, digest)
            for layer in _layers(manifest, BUNDLE_TYPE):
                bundle = await _blob(registries, name, layer.get("digest"), LARGEST_BUNDLE)
                if bundle is not None:
                    bundles.append(bundle)
        bounded = bundles[:_MOST_SIGNATURES]
        await asyncio.to_thread(any_bundle_good, name, self.identity, self.issuer, bounded, self.trusted_root)


def signer_of(package: AppPackage, container: Container, trusted_root: Path | None = None) -> Signer | None:
    """Return whom a manifest names as the signer of an image."""
    if container.signed_by is not None:
        return KeySigner(package.files[container.signed_by])
    if container.signed_by_identity is not None:
        named = container.signed_by_identity
        return IdentitySigner(named.identity, named.issuer, trusted_root)
    return None


def _layers(manifest: dict[str, Any] | None, kind: str) -> list[dict[str, Any]]:
    layers = manifest.get("layers") if manifest is not None else None
    found = layers[:_MOST_SIGNATURES] if isinstance(layers, list) else []
    return [layer for layer in found if isinstance(layer, dict) and layer.get("mediaType") == kind]


async def _blob(registries: RegistryClient, name: ImageName, digest: object, largest: int) -> bytes | None:
    if not isinstance(digest, str) or not is_digest(digest):
        return None
    content = await registries.blob(name.registry, name.repository, digest)
    return content if content is not None and len(content) <= largest else None


def is_digest(text: str) -> bool:
    """Return whether a text is a digest as registries write it."""
    kind, _, digits = text.partition(":")
    return kind == "sha256" and len(digits) == _DIGITS and set(digits) <= set("0123456789abcdef")

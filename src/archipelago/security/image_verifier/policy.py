"""Whom this node takes images from: what it saw first it goes on to expect, and an owner may ask for more. Pure.

A signer is the fingerprint of a key, or an identity with its issuer.
Rules are kept by publisher (`ghcr.io/acme`), or for a whole registry (`ghcr.io`).
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.support.texts.text import msg

UNSIGNED = "unsigned"
"""Stands for the signer of images that nobody signed, which are pinned by their digest alone."""
ANY = "any"
"""A rule that some signature must be there; at the first image, its signer takes the place of the rule."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an image."""

    refused: str = ""
    """Why it is refused; empty where it is not."""
    hint: str = ""
    pin: str | None = None
    """Publisher whose signer is to be remembered."""


def decide(rules: Mapping[str, str], publisher: str, signer: str | None) -> Decision:
    """Decide about an image of a publisher that `signer` has signed; None where its manifest names no key."""
    registry = publisher.partition("/")[0]
    offered = signer or UNSIGNED
    pinned = rules.get(publisher)
    general = rules.get(registry)
    if pinned in (None, ANY) and general not in (None, ANY, offered):
        return Decision(_changed(registry, str(general), offered), _hint(publisher, offered))
    if pinned is None or pinned == ANY:
        if ANY in (pinned, general) and signer is None:
            return Decision(
                msg("images of {publisher} must be signed, and this one is not", publisher=publisher),
                _hint(publisher, offered),
            )
        return Decision(pin=publisher)
    if pinned != offered:
        return Decision(_changed(publisher, pinned, offered), _hint(publisher, offered))
    return Decision()


def _changed(publisher: str, before: str, now: str) -> str:
    return msg(
        "images of {publisher} were {said} until now, and this one is {value}",
        publisher=publisher,
        said=_said(before),
        value=_said(now),
    )


def _said(signer: str) -> str:
    if signer == UNSIGNED:
        return msg("not signed")
    return msg("signed by {signer}", signer=signer if ":" in signer else f"{signer[:16]}…")


def _hint(publisher: str, offered: str) -> str:
    return msg(
        "ask the publisher, elsewhere than where the image comes from; 'archipelago signer accept "
        "{publisher} {signer}' accepts it",
        publisher=publisher,
        signer=shlex.quote(offered),
    )

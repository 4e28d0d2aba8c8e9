"""Claims of states in the tags of snapshots at a target. Pure."""

from collections.abc import Iterable, Mapping

from archipelago.storage.records.leases import Claim

_KIND = "lease"


def claim_tags(claims: Mapping[str, Claim]) -> dict[str, str]:
    """Return the tags that name claims; `claims` is by volume, or by the part of one (`VOLUME.PART`)."""
    return {f"{_KIND}.{name}": each.text for name, each in claims.items()}


def claims_of(tags: Iterable[tuple[str, str]]) -> dict[str, set[Claim]]:
    """Return the claims that tags name, by volume; what cannot be read is none."""
    found: dict[str, set[Claim]] = {}
    for tag, text in tags:
        kind, _, name = tag.partition(".")
        if kind == _KIND and name:
            try:
                found.setdefault(name, set()).add(Claim.read(text))
            except ValueError:
                continue
    return found

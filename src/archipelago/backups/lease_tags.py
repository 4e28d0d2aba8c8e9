"""Claims of states in the tags of snapshots at a target. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from archipelago.backups.copy_tags import newest_notes
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.storage.records.leases import Claim

_KIND = "lease"
_MOST = 50
"""Notes of each kind that always stay."""
_YEAR = timedelta(days=366)


def claim_tags(claims: Mapping[str, Claim]) -> dict[str, str]:
    """Return the tags that name claims; `claims` is by volume, or by the part of one (`VOLUME.PART`)."""
    return {f"{_KIND}.{name}": each.text for name, each in claims.items()}


def spent_notes(notes: Sequence[ResticSnapshot], now: datetime) -> tuple[str, ...]:
    """Return the ids of the notes about an app that are needed no more.

    Of those with claims, the ones with the highest counters stay. Those with files stay for a year, whatever comes
    after them, and those with the newest copies for longer: what somebody adds with a date in the future pushes none
    of them out.
    """
    claims = [(max(each.epoch for found in made.values() for each in found), note) for note, made in _made(notes)]
    old = sorted(claims, key=lambda pair: pair[0], reverse=True)[_MOST:]
    files = [note for note in notes if not claims_of(note.tags.items())]
    aged = [note for note in sorted(files, key=lambda each: each.at)[:-_MOST] if note.at < now - _YEAR]
    newest = newest_notes(files)
    return tuple(note.id for note in (*(note for _, note in old), *aged) if note.id not in newest)


def _made(notes: Iterable[ResticSnapshot]) -> Iterator[tuple[ResticSnapshot, Mapping[str, set[Claim]]]]:
    for note in notes:
        if found := claims_of(note.tags.items()):
            yield note, found


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

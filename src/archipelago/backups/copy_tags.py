"""Which notes at a target have the newest copies of streamed files, by their tags. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from archipelago.backups.restic.says import ResticSnapshot

_KIND = "copy"
_INSTALLATION = "installation"
_NEWEST = 3
"""Notes that are read for their date alone, as for those without tags."""
_MOST = 12
"""Notes that are read at all: each takes restic seconds."""


def copy_tags(installation: str, numbers: Mapping[str, int]) -> dict[str, str]:
    """Return the tags of a note; `numbers` has the number of the newest copy by volume.

    The installation is that of the app: the numbers start again with each.
    """
    return {_INSTALLATION: installation, **{f"{_KIND}.{name}": str(number) for name, number in numbers.items()}}


def newest_notes(notes: Sequence[ResticSnapshot]) -> tuple[str, ...]:
    """Return the ids of the notes, of those with files, in which the newest copies are.

    These are the ones with the highest number of a volume, for each installation, and a few with the newest date.
    Dates alone do not decide: what was written while a clock was wrong would hide all that comes later.
    """
    ordered = sorted(notes, key=lambda each: each.at, reverse=True)
    highest: dict[tuple[str, str], tuple[int, ResticSnapshot]] = {}
    for note in ordered:
        for name, number in _numbers(note.tags.items()):
            key = (note.tags.get(_INSTALLATION, ""), name)
            if key not in highest or highest[key][0] < number:
                highest[key] = (number, note)
    numbered = sorted((note for _, note in highest.values()), key=lambda each: each.at, reverse=True)
    found = dict.fromkeys(each.id for each in (*ordered[:_NEWEST], *numbered))
    return tuple(found)[:_MOST]


def _numbers(tags: Iterable[tuple[str, str]]) -> Iterable[tuple[str, int]]:
    for tag, text in tags:
        kind, _, name = tag.partition(".")
        if kind == _KIND and name:
            try:
                yield name, int(text)
            except ValueError:
                continue

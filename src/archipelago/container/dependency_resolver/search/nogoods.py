"""What a search has learned: sets of choices of which not all can be made. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from archipelago.container.manifest.model.scalars import AppId, Name

Need = tuple[AppId, Name]
"""A mandatory requirement: consumer and interface."""
Choice = tuple[AppId, Name, AppId]
"""Consumer, interface, provider. As long as it stands, its consumer is in the plan."""

_SHOWN = 4


class Nogood(NamedTuple):
    """Choices that cannot stand together."""

    choices: frozenset[Choice]
    problems: frozenset[int]
    """Numbers of the dead ends that prove it."""


@dataclass(slots=True)
class Nogoods:
    """All that was learned, by choice."""

    size: int = 0
    """Choices in all of them together: what they take of memory."""
    _by_choice: dict[Choice, list[Nogood]] = field(default_factory=dict)
    _needs: set[Need] = field(default_factory=set)

    def add(self, nogood: Nogood) -> None:
        """Learn that choices do not go together."""
        self.size += len(nogood.choices)
        for choice in nogood.choices:
            self._by_choice.setdefault(choice, []).append(nogood)
            self._needs.add(choice[:2])

    def about(self, need: Need) -> bool:
        """Return whether anything is known of the choices of a need."""
        return need in self._needs

    def of(self, choice: Choice) -> list[Nogood]:
        """Return everything that a choice is part of."""
        return self._by_choice.get(choice, [])

    def busiest(self) -> tuple[Name, ...]:
        """Return the interfaces that most of it is about, the first one first."""
        counted = Counter[Name]()
        for (_, interface, _), ones in self._by_choice.items():
            counted[interface] += len(ones)
        return tuple(sorted(counted, key=lambda name: (-counted[name], name))[:_SHOWN])


def joined(parts: Iterable[Nogood], most: int) -> Nogood:
    """Return what several nogoods prove together, with the first `most` of their problems."""
    choices: set[Choice] = set()
    problems: set[int] = set()
    for part in parts:
        choices |= part.choices
        problems |= part.problems
    return Nogood(frozenset(choices), frozenset(sorted(problems)[:most]))


def without(nogoods: Iterable[tuple[Choice, Nogood]]) -> Iterator[Nogood]:
    """Yield each nogood without the choice that it bars."""
    for choice, nogood in nogoods:
        yield Nogood(nogood.choices - {choice}, nogood.problems)

"""The templates that are rendered in the daemon itself: those of which it is known that they take no time. Pure."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Template, TemplateSyntaxError

from archipelago.container.manifest.templates import count_words
from archipelago.container.workload.templates.cheap_sandbox import CheapSandbox
from archipelago.container.workload.templates.cost import MAX_ROUNDS, cost
from archipelago.container.workload.templates.rendering import compiled, fault, rendered
from archipelago.container.workload.templates.sandbox import RenderingLimits, TooMuch

_MAX_TEMPLATES = 10_000
_CHEAP = RenderingLimits(steps=MAX_ROUNDS, text=8 * 1024, work=256 * 1024)
_CHEAP_WORDS = 3_000
"""Words of a template that is looked at here at all."""
_COST_OF_A_WORD = 5


@dataclass(frozen=True, slots=True)
class _Cheap:
    """A template whose cost is known."""

    template: Template
    cost: int


class CheapTemplates:
    """Compiles each of them once; for any thread."""

    def __init__(self) -> None:
        self._sandbox = CheapSandbox(limits=_CHEAP)
        self._known: dict[str, _Cheap | None] = {}
        """Templates by their source; None for one that is not cheap."""
        self._turn = threading.Lock()

    def render(self, source: str, context: Mapping[str, Any], most: int) -> tuple[str | None, int]:
        """Return the text and what it cost; None for the text where it would cost more than `most`. Raises `Fault`."""
        with self._turn:
            known = self._known.get(source)
            looked_at = 0
            if known is None and source not in self._known:
                words = count_words(source, _CHEAP_WORDS)
                looked_at = words * _COST_OF_A_WORD
                if len(self._known) >= _MAX_TEMPLATES:
                    self._known.clear()
                known = self._known[source] = self._look_at(source) if words < _CHEAP_WORDS else None
            if known is None or known.cost + looked_at > most:
                return None, looked_at
            try:
                return rendered(known.template, context), known.cost + looked_at
            except TooMuch:
                return None, known.cost + looked_at

    def _look_at(self, source: str) -> _Cheap | None:
        try:
            tree = self._sandbox.parse(source)
        except TemplateSyntaxError as error:
            raise fault(error) from error
        except RecursionError:
            return None
        known = cost(tree)
        return _Cheap(compiled(self._sandbox, tree), known) if known is not None else None

"""What is wrong with a manifest, and where."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from archipelago.container.manifest.yaml.tree import Path
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.near_names import near_names

MAX_PROBLEMS = 100
"""Problems that one error reports; a file with more of them is not a manifest."""


MISSING = "missing key"
"""Message of a finding whose path does not exist, but should."""


@dataclass(frozen=True, slots=True)
class PathProblem:
    """Something wrong at a key path, before it is known where in a text the path stands."""

    path: Path
    message: str
    expected: str | None = None
    hint: str | None = None
    """Nearest valid key or value."""
    at_key: bool = False
    """Whether the key itself is wrong, and not its value."""


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """Something wrong at a line and column (both counted from 1) of a source."""

    source: str
    line: int
    column: int
    where: str
    """Dotted key path, such as `containers.main.mounts[0].path`; empty for the text as a whole."""
    message: str
    expected: str | None = None
    hint: str | None = None
    """Nearest valid key or value."""

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The problem as one line."""
        parts = [self.message]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.hint is not None:
            parts.append(f"did you mean '{self.hint}'?")
        where = f" {self.where}:" if self.where else ""
        return f"{self.source}:{self.line}:{self.column}:{where} {'; '.join(parts)}"


class ManifestError(NodeError):
    """A manifest that cannot be used, with every problem that was found in it, one line each."""

    def __init__(self, problems: tuple[ManifestProblem, ...]) -> None:
        data = {"problems": [asdict(problem) for problem in problems]}
        super().__init__(ErrorCode.INVALID_MANIFEST, "\n".join(map(str, problems)), data=data)
        self.problems = problems


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like `word`, or None when none is like it."""
    if len(word) > 60:
        return None
    return next(iter(near_names(word.lower(), candidates, 1)), None)


def show(value: object) -> str:
    """Return a value as an author wrote it, cut to a readable length."""
    match value:
        case None:
            text = "nothing"
        case bool():
            text = "true" if value else "false"
        case str():
            text = repr(value[:61])
        case int() if abs(value) >= 10**30:  # Python refuses to write very long ones
            text = "a very large number"
        case int() | float():
            text = str(value)
        case dict():
            return "a mapping"
        case _:
            return "a list"
    return text if len(text) <= 62 else text[:58] + "…'"

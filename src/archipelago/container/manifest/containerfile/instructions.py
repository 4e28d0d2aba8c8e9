"""The instructions of a Containerfile, one by one: what each is called, what follows it, and its line. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.container.manifest.containerfile.words import is_utf8

MAX_BYTES = 64 * 1024
MAX_STEPS = 100

_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_INSTRUCTION = re.compile(r"([A-Za-z]+)(?:[ \t]+(.*))?", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Control characters, but for line feeds and tabs."""


class ContainerfileError(ValueError):
    """A Containerfile that cannot be used: in which line, why, and what to do about it."""

    def __init__(self, line: int, message: str, hint: str) -> None:
        super().__init__(f"line {line}: {message}; {hint}")
        self.line = line
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction, not yet understood."""

    line: int
    word: str
    rest: str

    @property
    def text(self) -> str:
        """The instruction in one line, for people."""
        return f"{self.word} {' '.join(self.rest.split())}"

    def refused(self, message: str, hint: str) -> ContainerfileError:
        """Return the error that says why this instruction cannot be used."""
        return ContainerfileError(self.line, f"{self.word}: {message}", hint)


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions, each with the line in which it starts; lines that end with `\\` go on."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ContainerfileError(1, "it is too large", f"keep it below {MAX_BYTES // 1024} KiB")
    count = start = 0
    begun = ""
    for number, written in enumerate(text.split("\n"), 1):
        line = written.removesuffix("\r")
        words = line.strip(" \t")
        if found := CONTROL.search(line):
            raise ContainerfileError(number, f"it has the control character {found[0]!r}", "remove it")
        if not is_utf8(line):
            raise ContainerfileError(number, "it is not UTF-8", "save the file as UTF-8")
        if not count and not begun and _DIRECTIVE.match(words):
            raise ContainerfileError(number, "parser directives are not supported", "remove the line")
        if not words or words.startswith("#"):
            continue
        start = start if begun else number
        if words.endswith("\\"):
            begun += line.rstrip(" \t")[:-1] or " "
            continue
        count += 1
        yield _instruction(start, begun + line, count)
        begun = ""
    if begun:
        raise ContainerfileError(start, "the last line goes on", "remove the '\\' at its end")


def _instruction(line: int, text: str, count: int) -> Instruction:
    found = _INSTRUCTION.fullmatch(text.strip(" \t"))
    if found is None:
        raise ContainerfileError(line, f"{text.strip()[:40]!r} is no instruction", "start the line with one")
    if count > MAX_STEPS:
        raise ContainerfileError(line, "there are too many instructions", f"use at most {MAX_STEPS}")
    return Instruction(line, found[1].upper(), (found[2] or "").strip(" \t"))

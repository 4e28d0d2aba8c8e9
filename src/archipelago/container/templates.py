"""Renders templates of manifests and configuration files (Jinja2, sandboxed, strict, bounded)."""

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template
from jinja2 import TemplateError as JinjaError

from archipelago.container.workload_sandbox import MAX_TEXT, Sandbox, TooMuch
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secret import Secret

_MAX_TEMPLATES = 10_000
_NEIGHBOUR_WORDS = ("include", "import", "extends")
_FROM_TEMPLATE = ("<template>", "<unknown>")


@dataclass(frozen=True, slots=True)
class Shown:
    """How secrets appear in one rendering: as they are, or as fingerprints, for a hash."""

    revealed: bool

    def text(self, secret: Secret) -> str:
        """Return what stands in the output for a secret."""
        # A fingerprint bears no marks, so that a part of it (`secrets.key[:4]`) changes with it too.
        return secret.reveal() if self.revealed else secret.fingerprint


REVEALED = Shown(True)
FINGERPRINTS = Shown(False)


class TemplateError(NodeError):
    """A template that cannot be rendered; `line` counts from 1 within it, None where nobody knows."""

    def __init__(self, where: str, line: int | None, message: str) -> None:
        place = f"{where}, line {line}" if line else where
        hint = "the app's author must mend this template"
        super().__init__(ErrorCode.INVALID_MANIFEST, f"{place}: {message}", hint=hint)
        self.where = where
        self.line = line


@dataclass(slots=True)
class Renderer:
    """Compiles each template once; one renderer serves all apps, from any thread."""

    _alone: Sandbox = field(default_factory=Sandbox)
    _compiled: dict[tuple[Sandbox, str], Template] = field(default_factory=dict)
    _families: dict[tuple[tuple[str, bytes], ...], Sandbox] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def inline(self, where: str, source: str, context: Mapping[str, Any]) -> str:
        """Render a text of the manifest; `where` names it in an error. Raises `TemplateError`."""
        if "{" not in source:
            return source
        with self._turn:
            return _render(where, self._template(where, self._alone, source), context)

    def file(
        self, where: str, name: str, files: Mapping[str, bytes], context: Mapping[str, Any], shown: Shown = REVEALED
    ) -> bytes:
        """Render a template of an app's folder, which may include its neighbours (`*.j2`). Raises `TemplateError`.

        `shown` must be what the context shows of secrets. Render with fingerprints first: a template that only fails
        with the secrets themselves gets an error without any detail, since the detail could be a secret.
        """
        if name not in files:
            raise TemplateError(where, None, "there is no such file in the app's folder")
        source = _decode(where, files[name])
        with self._turn:
            sandbox = self._family(where, files) if any(word in source for word in _NEIGHBOUR_WORDS) else self._alone
            template = self._template(where, sandbox, source)
            if not shown.revealed:
                return _render(where, template, context).encode()
            try:
                return _render(where, template, context).encode()
            except TemplateError as error:
                line = error.line
            # Outside of `except`: not even the traceback of the cause may go along.
            raise TemplateError(where, line, "it fails with the value of a secret, so no more can be said here")

    def _template(self, where: str, sandbox: Sandbox, source: str) -> Template:
        key = (sandbox, source)
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= _MAX_TEMPLATES:
                self._compiled.clear()
                self._families.clear()
            sandbox.begin()
            try:
                found = sandbox.from_string(source)
            except Exception as error:
                raise _error(where, error) from error
            self._compiled[key] = found
        return found

    def _family(self, where: str, files: Mapping[str, bytes]) -> Sandbox:
        members = tuple(sorted((name, content) for name, content in files.items() if name.endswith(".j2")))
        if members not in self._families:
            self._families[members] = Sandbox({name: _decode(f"{where}: {name}", text) for name, text in members})
        return self._families[members]


def _decode(where: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(where, content.count(b"\n", 0, error.start) + 1, "the text is not UTF-8") from error


def _render(where: str, template: Template, context: Mapping[str, Any]) -> str:
    sandbox = template.environment
    assert isinstance(sandbox, Sandbox)
    sandbox.begin()
    try:
        text = template.render(context)
        if len(text) > MAX_TEXT:
            raise TooMuch(f"the output is larger than {MAX_TEXT} characters")
    # Whatever an app's template raises is a fault of that template, be it a RecursionError.
    except Exception as error:
        raise _error(where, error) from error
    return text


def _error(where: str, error: Exception) -> TemplateError:
    line = getattr(error, "lineno", None)
    if line is None:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename in _FROM_TEMPLATE), None)
    known = isinstance(error, JinjaError)
    message = str(error) if known and str(error) else f"{type(error).__name__} {error}".strip()
    return TemplateError(where, line, message[:500])

"""Renders templates of manifests and configuration files (Jinja2, sandboxed, strict)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secret import Secret, rpcauth_line

_MAX_OUTPUT = 1024 * 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """How secrets appear in one rendering: as they are, or as fingerprints, for a hash."""

    revealed: bool

    def text(self, secret: Secret) -> str:
        """Return what stands in the output for a secret."""
        return secret.reveal() if self.revealed else f"<{secret.fingerprint}>"


REVEALED = Shown(True)
FINGERPRINTS = Shown(False)


@dataclass(slots=True)
class Renderer:
    """Compiles each template once; one renderer serves all apps."""

    _compiled: dict[str, Template] = field(default_factory=dict)
    _environment: ImmutableSandboxedEnvironment = field(default_factory=lambda: _environment(None))

    def inline(self, where: str, source: str, context: Mapping[str, Any]) -> str:
        """Render a text of the manifest; `where` names it in an error."""
        if "{" not in source:
            return source
        if source not in self._compiled:
            self._compiled[source] = _compile(self._environment, where, source)
        return _render(where, self._compiled[source], context)

    def file(self, where: str, name: str, files: Mapping[str, bytes], context: Mapping[str, Any]) -> bytes:
        """Render a template of an app's folder, which may include its neighbours."""
        source = files[name].decode()
        if "{%" in source:
            sources = {key: content.decode() for key, content in files.items() if key.endswith(".j2")}
            template = _compile(_environment(sources), where, source)
        else:
            if source not in self._compiled:
                self._compiled[source] = _compile(self._environment, where, source)
            template = self._compiled[source]
        return _render(where, template, context).encode()


def _environment(sources: Mapping[str, str] | None) -> ImmutableSandboxedEnvironment:
    # No HTML escaping: these are configuration files.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader(sources) if sources else None,
    )
    environment.filters["mib"] = lambda size: int(size) // _MIB
    environment.filters["rpcauth"] = lambda password, user: rpcauth_line(user, str(password))
    return environment


def _compile(environment: ImmutableSandboxedEnvironment, where: str, source: str) -> Template:
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise _error(where, error) from error


def _render(where: str, template: Template, context: Mapping[str, Any]) -> str:
    parts, size = [], 0
    try:
        for part in template.generate(context):
            size += len(part)
            if size > _MAX_OUTPUT:
                raise TemplateError(f"the output is larger than {_MAX_OUTPUT} characters")
            parts.append(part)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise _error(where, error) from error
    return "".join(parts)


def _error(where: str, error: Exception) -> NodeError:
    line = getattr(error, "lineno", None)
    place = f"{where}, line {line}" if line else where
    return NodeError(
        ErrorCode.INVALID_MANIFEST,
        f"{place}: {error}",
        hint="the app's author must mend this template",
    )

"""Renders templates of manifests and configuration files (Jinja2, sandboxed, strict, bounded). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from archipelago.container.workload.templates.faults import Fault
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.key_files import key_made_of, load_private
from archipelago.security.secrets.secret import FINGERPRINT, Secret
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from archipelago.container.workload.templates.cheap_templates import CheapTemplates

_NEIGHBOUR_WORDS = ("include", "import", "extends")
_COST_OF_AN_APP = 400_000
"""What all templates of one app may cost here: a tenth of a second."""
SECONDS_OF_AN_APP = 1.0
"""CPU time that all other templates of one app may take together."""
_PEM = "-----BEGIN "
_AUTHOR = "the app's author must fix this template"


def is_template(source: str) -> bool:
    """Return whether a text of a manifest may be anything but itself."""
    return "{" in source


@dataclass(frozen=True, slots=True)
class SecretDisplay:
    """How secrets appear in one rendering: as they are, or as fingerprints, for a hash."""

    revealed: bool

    def text(self, secret: Secret) -> str:
        """Return what stands in the output for a secret."""
        value = secret.reveal()
        if self.revealed:
            return value
        # For a key stands a key, so that what is made of it (`public_key`) can be made of what stands for it.
        if value.startswith(_PEM) and load_private(value.encode("utf-8", "surrogatepass")) is not None:
            return key_made_of(secret.fingerprint)
        # A fingerprint has no marks, so that a part of it (`secrets.key[:4]`) changes with it too.
        return secret.fingerprint


REVEALED = SecretDisplay(True)
FINGERPRINTS = SecretDisplay(False)


class TemplateError(NodeError):
    """A template that cannot be rendered; `line` counts from 1 within it, None where nobody knows.

    `passing` is true where the host is to blame and not the template: the same may succeed next time.
    """

    def __init__(
        self, where: str, line: int | None, message: str, *, passing: bool = False, hint: str = _AUTHOR
    ) -> None:
        place = f"{where}, line {line}" if line else where
        hint = "free memory or end other programs, and try again" if passing else hint
        super().__init__(ErrorCode.INVALID_MANIFEST, f"{place}: {message}", hint=hint)
        self.where = where
        self.line = line
        self.reason = message
        self.passing = passing

    def naming(self, app: str, names: Mapping[str, str]) -> "TemplateError":
        """Return the same error, with the names of secrets of an app in the place of their fingerprints."""
        named = [names[each] for each in FINGERPRINT.findall(self.reason) if each in names]
        if not named:
            return self
        reason = FINGERPRINT.sub(lambda found: f"the secret '{names.get(found[0], found[0])}'", self.reason)
        hint = msg(
            "'archipelago secret set {app} {secret}' gives it one, and 'secret rotate' makes one",
            app=app,
            secret=named[0],
        )
        return TemplateError(self.where, self.line, reason, passing=self.passing, hint=hint)


@dataclass(frozen=True, slots=True)
class TemplateJob:
    """A template that may take long, with all that it sees; values of JSON."""

    source: str
    neighbours: Mapping[str, str]
    """What it may include, by name."""
    context: Mapping[str, Any]


class Aside(Protocol):
    """Renders somewhere where a template that never ends, or that wants all memory, does no harm."""

    def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
        """Return the text, and the CPU time that it took, of which it gets `seconds`. Raises `Fault`."""
        ...


class _Here:
    """Renders here, without a clock."""

    def render(self, job: TemplateJob, _seconds: float) -> tuple[str, float]:
        from archipelago.container.workload.templates.rendering import compiled, fault, rendered
        from archipelago.container.workload.templates.sandbox import Sandbox, TooMuch

        try:
            return rendered(compiled(Sandbox(job.neighbours), job.source), job.context), 0.0
        except TooMuch as error:
            raise fault(error) from error


@dataclass(slots=True)
class Renderer:
    """Compiles each cheap template once; one renderer serves all apps, from any thread.

    What is not cheap is rendered by `aside`; by default it is rendered here, which is for templates that one trusts.
    """

    aside: Aside = field(default_factory=_Here)
    _cheap: "CheapTemplates | None" = None

    def for_app(self) -> "AppRenderer":
        """Return a renderer for one compilation of one app: what its templates may cost together is limited."""
        return AppRenderer(self)

    def inline(self, where: str, source: str, context: Mapping[str, Any]) -> str:
        """Render one text of a manifest, as `AppRenderer.inline` does."""
        return self.for_app().inline(where, source, context)

    def file(
        self,
        where: str,
        name: str,
        files: Mapping[str, bytes],
        context: Mapping[str, Any],
        shown: SecretDisplay = REVEALED,
    ) -> bytes:
        """Render one template of an app's folder, as `AppRenderer.file` does."""
        return self.for_app().file(where, name, files, context, shown)

    def cheaply(self, source: str, context: Mapping[str, Any], most: int) -> tuple[str | None, int]:
        """Return the text and what it cost; None for the text where it would cost more than `most`. Raises `Fault`."""
        if self._cheap is None:
            # Jinja2 takes 2 MB, and the apps of a node may have no templates.
            from archipelago.container.workload.templates.cheap_templates import CheapTemplates

            self._cheap = CheapTemplates()
        return self._cheap.render(source, context, most)


@dataclass(slots=True)
class AppRenderer:
    """Renders the templates of one app, which together may cost so much and no more."""

    _shared: Renderer
    _cost_left: int = _COST_OF_AN_APP
    _seconds_left: float = SECONDS_OF_AN_APP
    slow: bool = False
    """Whether any of its templates was not cheap."""

    def inline(self, where: str, source: str, context: Mapping[str, Any]) -> str:
        """Render a text of the manifest; `where` names it in an error. Raises `TemplateError`."""
        if not is_template(source):
            return source
        try:
            return self._render(TemplateJob(source, {}, context))
        except Fault as found:
            raise TemplateError(where, found.line, found.message, passing=found.passing) from found

    def file(
        self,
        where: str,
        name: str,
        files: Mapping[str, bytes],
        context: Mapping[str, Any],
        shown: SecretDisplay = REVEALED,
    ) -> bytes:
        """Render a template of an app's folder, which may include its neighbours (`*.j2`). Raises `TemplateError`.

        `shown` must be what the context shows of secrets. Render with fingerprints first: a template that only fails
        with the secrets themselves gets an error without any detail, since the detail could be a secret.
        """
        if name not in files:
            raise TemplateError(where, None, msg("there is no such file in the app's folder"))
        source = _decode(where, files[name])
        neighbours = _neighbours(where, files) if any(word in source for word in _NEIGHBOUR_WORDS) else {}
        try:
            return self._render(TemplateJob(source, neighbours, context)).encode()
        except Fault as found:
            # What the host is to blame for says nothing of a secret.
            if not shown.revealed or found.passing:
                raise TemplateError(where, found.line, found.message, passing=found.passing) from found
            line = found.line
        # Outside of `except`: not even the traceback of the cause may go along.
        raise TemplateError(where, line, msg("it fails with the value of a secret, so no more can be said here"))

    def _render(self, job: TemplateJob) -> str:
        if not job.neighbours and self._cost_left > 0:
            text, spent = self._shared.cheaply(job.source, job.context, self._cost_left)
            self._cost_left -= spent
            if text is not None:
                return text
        self.slow = True
        try:
            text, seconds = self._shared.aside.render(job, self._seconds_left)
        except Fault as found:
            self._seconds_left -= found.seconds
            raise
        self._seconds_left -= seconds
        return text


def _neighbours(where: str, files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _decode(f"{where}: {name}", text) for name, text in files.items() if name.endswith(".j2")}


def _decode(where: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(where, content.count(b"\n", 0, error.start) + 1, msg("the text is not UTF-8")) from error

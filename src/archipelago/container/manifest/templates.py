"""What can be said of a template without rendering it: its syntax, and the options and secrets that it names."""

from collections.abc import Collection
from dataclasses import dataclass

OPTIONS = "options"
SECRETS = "secrets"
MAX_WORDS = 10_000
"""Words, signs and pieces of plain text of one template."""


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Something wrong in a template; `line` counts from 1 within the template."""

    line: int
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a template may name."""

    options: Collection[str]
    secrets: Collection[str] | None
    """None where a template cannot name any secret."""


def count_words(text: str, most: int) -> int:
    """Return how many words, signs and pieces of plain text a template is made of; it stops to count at `most`.

    Reading a template takes its time by them: some ten microseconds each.
    """
    if "{" not in text:
        return 0 if text in ("", "\n", "\r", "\r\n") else 1
    # Jinja2 takes 2 MB, and the apps of a node may have no templates.
    from archipelago.container.manifest.template_syntax import syntax_words

    return syntax_words(text, most)


def check_template(text: str, names: Names) -> list[TemplateProblem]:
    """Return what is wrong with a template: syntax, unknown options and secrets, secrets where none belong."""
    if "{" not in text:
        return []
    if count_words(text, MAX_WORDS) >= MAX_WORDS:
        return [TemplateProblem(1, f"the template is too long: it has more than {MAX_WORDS:,} words", "split it")]
    from archipelago.container.manifest.template_syntax import syntax_problems

    return syntax_problems(text, names)

"""The syntax of templates (Jinja2): their words, and what is wrong with them. Pure."""

from collections.abc import Iterator
from itertools import islice

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from archipelago.container.manifest.templates import OPTIONS, SECRETS, Names, TemplateProblem
from archipelago.container.manifest.yaml.problems import nearest


def syntax_words(text: str, most: int) -> int:
    """Return how many words, signs and pieces of plain text a template is made of; it stops to count at `most`."""
    words = SandboxedEnvironment().lexer.tokeniter(text, None)
    try:
        return sum(1 for _ in islice(words, most))
    except TemplateSyntaxError:
        return 0  # it is refused at once


def syntax_problems(text: str, names: Names) -> list[TemplateProblem]:
    """Return what is wrong with a template that is not too long."""
    try:
        tree = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False).parse(text)
    except TemplateSyntaxError as error:
        return [TemplateProblem(error.lineno, f"not a valid template: {error.message}")]
    except RecursionError:
        return [TemplateProblem(1, "not a valid template: it is nested too deeply")]
    problems = [problem for node in _walk(tree) for problem in _check(node, names)]
    return list(dict.fromkeys(problems))


def _walk(root: nodes.Node) -> Iterator[nodes.Node]:
    # Not recursive: `1+1+1+…` is a tree as deep as it is long.
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(node.iter_child_nodes())))


def _check(node: nodes.Node, names: Names) -> Iterator[TemplateProblem]:
    if isinstance(node, nodes.Name) and node.name == SECRETS and names.secrets is None:
        yield TemplateProblem(node.lineno, "a secret cannot stand here; put it into `files` or `secret_environment`")
    match node:
        case nodes.Getattr(node=nodes.Name(name=base), attr=str(key)):
            pass
        case nodes.Getitem(node=nodes.Name(name=base), arg=nodes.Const(value=str(key))):
            pass
        case _:
            return
    known = names.options if base == OPTIONS else names.secrets if base == SECRETS else None
    # Methods of a mapping, such as `options.items()`, are no options.
    if known is not None and key not in known and not hasattr(dict, key):
        yield TemplateProblem(node.lineno, f"there is no {base[:-1]} '{key[:60]}'", nearest(key, known))

"""One rendering: a template and what it sees in, text out, or the line and the reason why not. Pure."""

import traceback
from collections.abc import Mapping
from typing import Any

from jinja2 import Template, nodes
from jinja2 import TemplateError as JinjaError

from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.sandbox import MAX_TEXT, Sandbox, TooMuch

_FROM_TEMPLATE = ("<template>", "<unknown>")
_MAX_MESSAGE = 500


def compiled(sandbox: Sandbox, source: str | nodes.Template) -> Template:
    """Return a template that is ready to be rendered, from its text or from what the sandbox parsed. Raises `Fault`."""
    sandbox.begin()
    try:
        return sandbox.from_string(source)
    except Exception as error:
        raise fault(error) from error


def rendered(template: Template, context: Mapping[str, Any]) -> str:
    """Return what a template makes of a context. Raises `Fault`, or `TooMuch` at a limit of the sandbox."""
    sandbox = template.environment
    assert isinstance(sandbox, Sandbox)
    sandbox.begin()
    try:
        text = template.render(context)
        if len(text) > MAX_TEXT:
            raise TooMuch(f"the output is larger than {MAX_TEXT} characters")
    except TooMuch:
        raise
    # Whatever an app's template raises is a fault of that template, be it a RecursionError.
    except Exception as error:
        raise fault(error) from error
    return text


def fault(error: BaseException) -> Fault:
    """Return what is wrong with a template, from what it raised."""
    line = getattr(error, "lineno", None)
    if line is None:
        # Not `extract_tb`, which reads the source of each frame from the disk.
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename in _FROM_TEMPLATE:
                line = number
    if isinstance(error, MemoryError):
        return Fault(line, "it takes too much memory; make shorter texts and lists")
    known = isinstance(error, JinjaError)
    message = str(error) if known and str(error) else f"{type(error).__name__} {error}".strip()
    return Fault(line, message[:_MAX_MESSAGE])

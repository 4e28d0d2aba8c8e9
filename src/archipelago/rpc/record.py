"""What the audit log says of calls and sessions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from pydantic import BaseModel

from archipelago.api.services.security import AuditService
from archipelago.errors import NodeError
from archipelago.rpc.method import Params
from archipelago.security.audit.chain import AuditAction, Outcome


class End:
    """How an action has ended: it has failed until it is `done`."""

    def __init__(self) -> None:
        self.outcome = Outcome.FAILED
        self.detail = ""

    def done(self, detail: str = "") -> None:
        """Say that it succeeded."""
        self.outcome, self.detail = Outcome.DONE, detail


@asynccontextmanager
async def end_on_record(audit: AuditService, audited: AuditAction, began: int) -> AsyncIterator[End]:
    """Write down how an action ended, of which entry `began` says that it started.

    What the node refused is refused. Else it has failed, unless it is `done`: Podman did not do it, or the caller was
    gone before.
    """
    end = End()
    try:
        yield end
    except NodeError as error:
        end.outcome, end.detail = Outcome.REFUSED, error.code.value
        raise
    finally:
        try:
            await audit.record(
                audited.model_copy(update={"outcome": end.outcome, "detail": end.detail, "began": began})
            )
        except NodeError as error:
            log = structlog.get_logger("audit")
            log.error(
                "the end of an action is not in the audit log", action=audited.action, began=began, error=str(error)
            )


def subject_of(params: Params) -> dict[str, str]:
    """Return what is recorded of the parameters: of options the names alone, of a command its program alone.

    The rest of them may be secret.
    """
    found = {}
    for name in type(params).model_fields:
        value = getattr(params, name)
        if not value:
            continue
        if isinstance(value, Mapping):
            found[name] = ", ".join(sorted(map(str, value)))
        elif isinstance(value, BaseModel):
            found[name] = ", ".join(sorted(value.model_fields_set))
        elif isinstance(value, tuple) and isinstance(value[0], BaseModel):
            found[name] = str(len(value))
        elif isinstance(value, tuple):
            found[name] = str(value[0]) + (f" and {len(value) - 1} more" if len(value) > 1 else "")
        else:
            found[name] = str(value)
    return found

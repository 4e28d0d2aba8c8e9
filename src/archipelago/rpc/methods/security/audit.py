"""Methods about the audit log, and what of a call is written there."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from archipelago.api.services import Engine
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.rpc.params import Count
from archipelago.security.audit.chain import AuditEntry, AuditVerdict
from archipelago.storage.records.permissions import Permission


class ShowParams(Params):
    """Which entries are shown."""

    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 50
    """How many, the newest ones."""


class ExportParams(Params):
    """Which lines are exported."""

    after: Count = 0
    """How many lines the caller has."""
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 500
    """How many lines at the most; fewer mean that there are no more."""


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
        elif isinstance(value, tuple):
            found[name] = str(value[0]) + (f" and {len(value) - 1} more" if len(value) > 1 else "")
        else:
            found[name] = str(value)
    return found


async def _show(engine: Engine, params: ShowParams) -> tuple[AuditEntry, ...]:
    return await engine.audit_entries(limit=params.limit)


async def _export(engine: Engine, params: ExportParams) -> tuple[str, ...]:
    return await engine.audit_lines(after=params.after, limit=params.limit)


async def _verify(engine: Engine, _: NoParams) -> AuditVerdict:
    return await engine.audit_verdict()


async def _key(engine: Engine, _: NoParams) -> str:
    return engine.audit_key()


def audit_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="audit-show",
            summary="Return the newest entries of the audit log: who did what, when, from where, with what result",
            params=ShowParams,
            result=tuple[AuditEntry, ...],
            permission=Permission.AUDIT,
            handler=_show,
        ),
        Method(
            name="audit-export",
            summary="Return lines of the audit log as they stand there, with hashes and signatures",
            params=ExportParams,
            result=tuple[str, ...],
            permission=Permission.AUDIT,
            handler=_export,
        ),
        Method(
            name="audit-verify",
            summary="Check the audit log for changed, moved and missing entries, and say where",
            params=NoParams,
            result=AuditVerdict,
            permission=Permission.AUDIT,
            handler=_verify,
        ),
        Method(
            name="audit-key",
            summary="Return the public key (Ed25519, PEM) that the audit log is signed with",
            params=NoParams,
            result=str,
            permission=Permission.AUDIT,
            handler=_key,
        ),
    )

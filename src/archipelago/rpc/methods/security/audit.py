"""Methods about the audit log."""

from typing import Annotated

from pydantic import Field

from archipelago.api.services.security import AuditService
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Count
from archipelago.security.audit.chain import AuditEntry, AuditVerdict
from archipelago.storage.records.permissions import Permission

family = Family()


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


@family.method(
    "audit-show",
    "Return the newest entries of the audit log: who did what, when, from where, with what result",
    permission=Permission.AUDIT,
)
async def _show(audit: AuditService, params: ShowParams) -> tuple[AuditEntry, ...]:
    return await audit.newest(params.limit)


@family.method(
    "audit-export",
    "Return lines of the audit log as they stand there, with hashes and signatures",
    permission=Permission.AUDIT,
)
async def _export(audit: AuditService, params: ExportParams) -> tuple[str, ...]:
    return await audit.lines(params.after, params.limit)


@family.method(
    "audit-verify",
    "Check the audit log for changed, moved and missing entries, and say where",
    permission=Permission.AUDIT,
)
async def _verify(audit: AuditService) -> AuditVerdict:
    return await audit.verify()


@family.method(
    "audit-key", "Return the public key (Ed25519, PEM) that the audit log is signed with", permission=Permission.AUDIT
)
async def _key(audit: AuditService) -> str:
    return audit.public_key

"""Methods about Lightning nodes."""

from archipelago.api.lightning import LightningReport
from archipelago.api.services.apps import LightningService
from archipelago.rpc.method import Family
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission

family = Family()


@family.method(
    "lightning-report",
    "Return what a Lightning node reports of its channels and coins: what it can send and receive, and what it earned",
    permission=Permission.READ,
)
async def _report(lightning: LightningService, params: AppParams) -> LightningReport:
    return await lightning.report(params.app)

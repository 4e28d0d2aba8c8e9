"""Methods about the chains that apps follow."""

from archipelago.api.chains import ChainReport
from archipelago.api.services.apps import ChainService
from archipelago.rpc.method import Family
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission

family = Family()


@family.method(
    "chain-report",
    "Return what an app's program reports of its chain: progress, last blocks, peers, mempool, fees",
    permission=Permission.READ,
)
async def _report(chains: ChainService, params: AppParams) -> ChainReport:
    return await chains.report(params.app)

"""Methods about how apps are confined."""

from archipelago.api.security import AppSecurity, ContainerProfiles
from archipelago.api.services.security import ConfinementService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


class ProfilesParams(Params):
    """An installed app."""

    app: AppId


@family.method(
    "security-report",
    "Return of each installed app what is enforced, whom it reaches, who signed it, and its rating",
    permission=Permission.READ,
)
async def _report(confinement: ConfinementService) -> tuple[AppSecurity, ...]:
    return await confinement.report()


@family.method(
    "security-profiles",
    "Return the AppArmor, SELinux and seccomp profiles of an app's containers",
    permission=Permission.READ,
)
async def _profiles(confinement: ConfinementService, params: ProfilesParams) -> tuple[ContainerProfiles, ...]:
    return confinement.profiles(params.app)

"""Methods about how apps are held."""

from archipelago.api.security import AppSecurity, ContainerProfiles
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.storage.records.permissions import Permission


class ProfilesParams(Params):
    """An installed app."""

    app: AppId


async def _report(engine: Engine, _: NoParams) -> tuple[AppSecurity, ...]:
    return await engine.security_report()


async def _profiles(engine: Engine, params: ProfilesParams) -> tuple[ContainerProfiles, ...]:
    return await engine.security_profiles(params.app)


def security_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="security-report",
            summary="Return of each installed app what is enforced, whom it reaches, who signed it, and its rating",
            params=NoParams,
            result=tuple[AppSecurity, ...],
            permission=Permission.READ,
            handler=_report,
        ),
        Method(
            name="security-profiles",
            summary="Return the AppArmor, SELinux and seccomp profiles of an app's containers",
            params=ProfilesParams,
            result=tuple[ContainerProfiles, ...],
            permission=Permission.READ,
            handler=_profiles,
        ),
    )

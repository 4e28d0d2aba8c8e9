"""All methods of the RPC."""

from dataclasses import replace
from typing import Any

from archipelago.api.services import Engine
from archipelago.rpc.method import AnyMethod, Method, NoParams
from archipelago.rpc.methods.access.accounts import account_methods
from archipelago.rpc.methods.access.login import login_methods
from archipelago.rpc.methods.access.passkeys import passkey_methods
from archipelago.rpc.methods.apps.catalog import catalog_methods
from archipelago.rpc.methods.apps.containers import container_methods
from archipelago.rpc.methods.apps.data import data_methods
from archipelago.rpc.methods.apps.operations import operation_methods
from archipelago.rpc.methods.apps.repairs import repair_methods
from archipelago.rpc.methods.apps.revisions import revision_methods
from archipelago.rpc.methods.node.network import network_methods
from archipelago.rpc.methods.node.notices import notice_methods
from archipelago.rpc.methods.node.system import system_methods
from archipelago.rpc.methods.security.audit import audit_methods
from archipelago.rpc.methods.security.sbom import sbom_methods
from archipelago.rpc.methods.security.secrets import key_methods, refuse_locked, secret_methods
from archipelago.rpc.methods.security.security import security_methods
from archipelago.rpc.methods.security.signers import signer_methods
from archipelago.rpc.openrpc import Description
from archipelago.storage.records.permissions import Permission


def all_methods() -> tuple[AnyMethod, ...]:
    """Return every method, in the order of the reference."""
    families = (
        *container_methods(),
        *data_methods(),
        *repair_methods(),
        *catalog_methods(),
        *operation_methods(),
        *system_methods(),
        *notice_methods(),
        *audit_methods(),
        *login_methods(),
        *account_methods(),
        *passkey_methods(),
        *key_methods(),
        *secret_methods(),
        *signer_methods(),
        *sbom_methods(),
        *revision_methods(),
        *security_methods(),
        *network_methods(),
    )

    async def discover(_: Engine, __: NoParams) -> dict[str, Any]:
        return await description.document()

    methods = (
        *families,
        Method(
            name="rpc.discover",
            summary="Return this description of the RPC (OpenRPC)",
            params=NoParams,
            result=dict[str, Any],
            permission=Permission.DISCOVER,
            handler=discover,
        ),
    )
    description = Description(methods)
    return methods


def locked_methods() -> tuple[AnyMethod, ...]:
    """Return every method, as a locked node has it: those about its key, and refusals."""

    def as_locked(method: AnyMethod) -> AnyMethod:
        match method.name:
            case "key-unlock":
                # Nobody can log in there, and whoever knows the passphrase is the owner.
                return replace(method, permission=Permission.LOGIN)
            case "key-status" | "key-restore":
                # The accounts cannot be read here, so nobody is told; what is done is in the audit log.
                return replace(method, tells=False)
            case _:
                return replace(method, handler=refuse_locked, mutates=False, recorded=False)

    return tuple(map(as_locked, all_methods()))

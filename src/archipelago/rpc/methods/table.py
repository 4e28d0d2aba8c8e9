"""All methods of the RPC."""

from dataclasses import replace
from typing import Any, NoReturn

from archipelago.rpc.method import Family, Handler, Method
from archipelago.rpc.methods.access import accounts, app_entry, login, passkeys, preferences
from archipelago.rpc.methods.apps import (
    backup_keys,
    backups,
    catalog,
    chains,
    containers,
    data,
    lightning,
    limits,
    operations,
    repairs,
    revisions,
    snapshot_files,
    snapshot_schedules,
    snapshots,
)
from archipelago.rpc.methods.node import network, notice_channels, notices, onions, system
from archipelago.rpc.methods.security import audit, keys, sbom, secrets, security, signers
from archipelago.rpc.openrpc import Description
from archipelago.security.keys.locked import node_is_locked
from archipelago.storage.records.permissions import Permission

_FAMILIES = (
    containers,
    chains,
    lightning,
    data,
    limits,
    snapshots,
    snapshot_files,
    snapshot_schedules,
    backups,
    backup_keys,
    repairs,
    catalog,
    operations,
    system,
    notices,
    notice_channels,
    audit,
    login,
    accounts,
    passkeys,
    app_entry,
    preferences,
    keys,
    secrets,
    signers,
    sbom,
    revisions,
    security,
    network,
    onions,
)
"""Modules with a `family`, in the order of the reference."""


def all_methods() -> tuple[Method, ...]:
    """Return every method, in the order of the reference."""
    itself = Family()

    @itself.method("rpc.discover", "Return this description of the RPC (OpenRPC)", permission=Permission.DISCOVER)
    async def discover() -> dict[str, Any]:
        return await description.document()

    methods = (*(method for module in _FAMILIES for method in module.family.methods), *itself.methods)
    description = Description(methods)
    return methods


def locked_methods() -> tuple[Method, ...]:
    """Return every method, as a locked node has it: those about its key, and refusals."""

    async def refuse() -> NoReturn:
        raise node_is_locked()

    def as_locked(method: Method) -> Method:
        match method.name:
            case "key-unlock":
                # Nobody can log in there, and whoever knows the passphrase is the owner.
                return replace(method, permission=Permission.LOGIN)
            case "key-status" | "key-restore":
                # The accounts cannot be read here, so nobody is notified; what is done is in the audit log.
                return replace(method, tells=False)
            case _:
                return replace(method, handler=Handler(refuse), concerns=None, mutates=False, recorded=False)

    return tuple(map(as_locked, all_methods()))

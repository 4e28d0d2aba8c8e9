"""Why a provider does not fit a requirement, or an app this host."""

from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Required
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.support.texts.text import msg

_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Offer:
    """What an app provides."""

    provider: AppId
    interface: Name
    version: str
    newer: str | None
    """Version in the catalog that fits, where there is one."""


def version_mismatch(consumer: AppId, required: Required, offer: Offer) -> Problem:
    """Return the refusal of a provider in another version than the one that is needed."""
    return Problem(
        ResolutionCode.VERSION_MISMATCH,
        msg(
            "{consumer} needs {interface} {wanted}, but {provider} provides {version}",
            consumer=consumer,
            interface=offer.interface,
            wanted=required.version,
            provider=offer.provider,
            version=offer.version,
        ),
        msg(
            "Update {provider} first, to {newer}: 'archipelago update {provider}', or Update on its page",
            provider=offer.provider,
            newer=offer.newer,
        )
        if offer.newer
        else msg("Choose another provider, or wait for a version that fits"),
        {
            "consumer": consumer,
            "interface": offer.interface,
            "provider": offer.provider,
            "wanted": required.version,
            "version": offer.version,
        },
        (consumer, offer.provider),
    )


def host_troubles(host: HostFacts, manifest: AppManifest, *, is_installed: bool) -> Iterator[Problem]:
    """Yield what keeps an app from running well on a host."""
    app = manifest.id
    if host.architecture not in manifest.architectures:
        able = ", ".join(manifest.architectures)
        yield Problem(
            ResolutionCode.ARCHITECTURE,
            msg(
                "{app} runs on {able}, and this host is {architecture}",
                app=app,
                able=able or msg("no architecture"),
                architecture=host.architecture,
            ),
            msg("Choose another app, or another host"),
            {"app": app, "supported": list(manifest.architectures), "host": host.architecture},
            (app,),
        )
    for what, needed, there in (
        ("memory", manifest.host.memory, host.memory),
        ("free disk", manifest.host.disk, manifest.host.disk if is_installed else host.free_disk),
    ):
        if needed > there:
            yield Problem(
                ResolutionCode.HOST_TOO_SMALL,
                msg(
                    "{app} needs {needed} GiB of {what}, and this host has {there} GiB",
                    app=app,
                    needed=f"{needed / _GIB:.1f}",
                    what=msg("memory") if what == "memory" else msg("free disk"),
                    there=f"{there / _GIB:.1f}",
                ),
                msg("Free some space, or attach a larger disk") if what == "free disk" else msg("Choose a larger host"),
                {"app": app, "what": what.replace(" ", "_"), "needed": needed, "available": there},
                (app,),
            )

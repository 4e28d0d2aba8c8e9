"""A rating from 1 to 8 of how little an app asks for, from its manifest alone, explained line by line. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from archipelago.chains.chain import InterfaceRole
from archipelago.container.manifest.build_facts import BuildCode, build_facts
from archipelago.container.manifest.exposure import is_open
from archipelago.container.manifest.model.app import AppManifest, Egress
from archipelago.container.manifest.model.containers import Capability, Container
from archipelago.container.manifest.model.endpoints import Access
from archipelago.container.manifest.model.images import Recipe
from archipelago.container.manifest.variants import requirements
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View

HIGHEST = 8
LOWEST = 1

_ANY_USER = frozenset(
    (Capability.CHOWN, Capability.DAC_OVERRIDE, Capability.FOWNER, Capability.SETGID, Capability.SETUID)
)


_SPENDING = frozenset(("offchain:write", "onchain:write"))
"""What a macaroon allows by which a Lightning node pays."""
_EGRESS: Mapping[Egress, tuple[int, str]] = {
    Egress.DIRECT: (-1, msg("it reaches the internet, which learns this node's address")),
    Egress.LAN: (-2, msg("it reaches the internet and every machine of the local network")),
    Egress.TOR: (0, msg("it reaches the internet through Tor alone")),
    Egress.NONE: (0, msg("it reaches nothing outside the node")),
}


class RatingLine(Translatable, View):
    """One reason."""

    points: int
    """What it takes off the rating: 0 or less."""
    what: Prose


class Rating(View):
    """How little an app asks for."""

    score: int
    """From 1, which asks for much, to 8, which asks for nothing."""
    lines: tuple[RatingLine, ...]
    """The reasons; the score is 8 and their points together, but at least 1."""


def rate(manifest: AppManifest) -> Rating:
    """Return the rating of an app. What applies to several of its containers counts once.

    It is that of its widest variant, as before its owner has set options; `in_force` leaves that of those options.
    """
    return _rating(tuple(_lines(manifest)))


def egress_words(egress: Egress) -> str:
    """Return what an app reaches outside the node, in words for its owner."""
    return _EGRESS[egress][1]


# Nearly all apps have the same few lines.
@lru_cache(maxsize=256)
def _rating(lines: tuple[tuple[int, str], ...]) -> Rating:
    found = tuple(RatingLine(points=points, what=what) for points, what in lines)
    return Rating(score=max(LOWEST, HIGHEST + sum(line.points for line in found)), lines=found)


def _lines(manifest: AppManifest) -> Iterator[tuple[int, str]]:
    containers = manifest.containers.values()
    yield from _reach_lines(manifest)
    yield from _use_lines(manifest)
    yield from _right_lines(containers)
    yield from _registry_lines(containers)
    yield from _build_lines(container.build for container in containers if container.build is not None)


def _reach_lines(manifest: AppManifest) -> Iterator[tuple[int, str]]:
    """Yield what an app reaches, and who reaches it."""
    yield _EGRESS[manifest.egress]
    access = {way for endpoint in manifest.endpoints.values() for way in endpoint.access}
    if Access.TOR in access or Access.INTERNET in access:
        yield -2, msg("anybody may reach it")
    elif Access.LAN in access and any(is_open(endpoint, None) for endpoint in manifest.endpoints.values()):
        yield -1, msg("machines of the local network may reach it")


def _use_lines(manifest: AppManifest) -> Iterator[tuple[int, str]]:
    """Yield what an app may do with others."""
    used = [required for _, requires in requirements(manifest) for required in requires.values()]
    roles, allowed = {each.role for each in used}, {one for each in used for one in each.permissions}
    if InterfaceRole.FULL in roles or any(one.startswith("macaroon:") for one in allowed):
        yield -3, msg("it may do everything with another app, such as stop it or reveal its keys")
    elif InterfaceRole.WALLET in roles or allowed & _SPENDING:
        yield -2, msg("it may use wallets, and so spend what is in them")


def _right_lines(containers: Collection[Container]) -> Iterator[tuple[int, str]]:
    """Yield what containers may do within themselves and with the host."""
    rights = [container.security for container in containers]
    if devices := sorted({device for each in rights for device in each.devices}):
        yield -2, msg("it uses devices of the host: {devices}", devices=", ".join(devices))
    if capabilities := {one for each in rights for one in each.capabilities}:
        if capabilities & _ANY_USER:
            yield -1, msg("it may act as any user within its containers")
        if others := sorted(each.value for each in capabilities - _ANY_USER):
            yield -1, msg("it keeps rights of root within its containers: {others}", others=", ".join(others))
    if calls := sorted({one.value for each in rights for one in each.system_calls}):
        yield -1, msg("it uses system calls that few programs need: {calls}", calls=", ".join(calls))
    if any(container.user.partition(":")[0] == "0" for container in containers):
        yield -1, msg("it runs as root within its containers (an ordinary user outside)")
    if any(each.writable_root for each in rights):
        yield -1, msg("it may change its own programs while it runs")


def _registry_lines(containers: Collection[Container]) -> Iterator[tuple[int, str]]:
    """Yield where images come from that are not built here."""
    pulled = [container for container in containers if container.image is not None]
    if pulled and all(container.signed for container in pulled):
        yield 0, msg("its image comes from a registry, signed by a key that it names")
    elif pulled:
        yield (
            -1,
            msg("its image comes from a registry and nobody signed it: its digest alone shows that it is the same"),
        )


def _build_lines(recipes: Iterable[Recipe]) -> Iterator[tuple[int, str]]:
    found = [build_facts(recipe) for recipe in recipes]
    executed = {code for facts in found for code in facts.executes}
    if BuildCode.COMMANDS in executed:
        yield -1, msg("commands of its author run while its image is built, confined and without a network")
    if BuildCode.PYTHON in executed:
        yield (
            -1,
            msg(
                "Python packages are built from source, which runs what is in them: pinned, confined, without a network"
            ),
        )
    if found and not executed:
        yield 0, msg("its image is made of packages, of which nothing is executed until it runs")

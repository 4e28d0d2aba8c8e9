"""What a version of an app asks for that the installed one does not: only its owner may grant that. Pure."""

from collections.abc import Iterator, Mapping

from archipelago.container.dependency_resolver.rating import egress_words, rate
from archipelago.container.manifest.build_facts import build_facts
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.endpoints import Endpoint, EndpointLogin
from archipelago.support.texts.text import msg


def new_rights(before: AppManifest, after: AppManifest) -> tuple[str, ...]:
    """Return what a version asks for beyond another one, in words for the owner; empty where it asks for nothing new.

    Fewer rights are none of it. The rating counts what has no words here. Both are as they are `in_force` with the
    options of their owner: a version that no longer knows his choice to reach less asks for more.
    """
    return tuple(_new_rights(before, after))


def more_reach(before: AppManifest, after: AppManifest) -> str:
    """Return what an app reaches outside the node, in words for its owner, where that is more than before; else "".

    Both are as they are `in_force` with the options of their time.
    """
    return egress_words(after.egress) if after.egress.rank > before.egress.rank else ""


def _new_rights(before: AppManifest, after: AppManifest) -> Iterator[str]:
    if reach := more_reach(before, after):
        yield reach
    if new := sorted(_doors(after.endpoints) - _doors(before.endpoints)):
        yield msg(
            "it is reached in another way: {endpoints}", endpoints=", ".join(dict.fromkeys(name for name, _ in new))
        )
    if new := sorted(_uses(after) - _uses(before)):
        yield msg(
            "it uses more of other apps: {interfaces}", interfaces=", ".join(dict.fromkeys(name for name, _ in new))
        )
    if more := sorted(_powers(after) - _powers(before)):
        yield msg("it has more rights within its containers or on the host: {names}", names=", ".join(more))
    if more := sorted(_origins(after) - _origins(before)):
        yield msg("its image comes from somewhere else, or is made in another way: {names}", names=", ".join(more))
    old, new_score = rate(before).score, rate(after).score
    if new_score < old:
        yield msg("its security rating falls from {before} to {after}", before=old, after=new_score)


def _doors(endpoints: Mapping[str, Endpoint]) -> set[tuple[str, str]]:
    """Return by endpoint who reaches it, and whether without a login."""
    found = set()
    for name, each in endpoints.items():
        found |= {(name, way.value) for way in each.access} | {(name, f"kind {each.kind.value}")}
        if each.login is EndpointLogin.NONE:
            found.add((name, "no login"))
    return found


def _uses(manifest: AppManifest) -> set[tuple[str, str]]:
    """Return by interface what the app may do with it: a role may include others."""
    return {
        (name, right)
        for name, required in manifest.requires.items()
        for right in (*required.permissions, *required.role.includes)
    }


def _powers(manifest: AppManifest) -> set[str]:
    found = set(manifest.leases) | ({"onion-services"} if manifest.onions is not None else set())
    for each in manifest.containers.values():
        right = each.security
        found |= {
            *(one.value for one in right.capabilities),
            *right.devices,
            *(one.value for one in right.system_calls),
        }
        found |= {"root"} if each.user.partition(":")[0] == "0" else set()
        found |= {"writable-root"} if right.writable_root else set()
    return found


def _origins(manifest: AppManifest) -> set[str]:
    return {origin for each in manifest.containers.values() for origin in _origin(each)}


def _origin(container: Container) -> Iterator[str]:
    """Yield where the image of a container comes from: a pulled one by its name, and whether nobody signed it."""
    if container.image is not None:
        name = container.image.partition("@")[0]
        folder, slash, last = name.rpartition("/")
        yield folder + slash + last.partition(":")[0]
        if not container.signed:
            yield "unsigned"
    if container.build is not None:
        facts = build_facts(container.build)
        yield from (source.kind.value for source in facts.sources)
        yield from (code.value for code in facts.executes)

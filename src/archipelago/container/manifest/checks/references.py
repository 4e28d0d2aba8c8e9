"""Checks across the parts of a manifest: does what it names exist, and does it fit together?

Each check is a generator over one manifest; all of them are pure.
"""

from collections.abc import Callable, Iterator

from archipelago.container.manifest.checks.findings import misfit, unknown
from archipelago.container.manifest.checks.on_disk import check_on_disk
from archipelago.container.manifest.checks.variants import TOR, check_variants
from archipelago.container.manifest.model.app import AppManifest, Egress
from archipelago.container.manifest.model.declared import Declared
from archipelago.container.manifest.model.endpoints import Protocol, Scheme
from archipelago.container.manifest.model.patterns import PatternError, check_pattern
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.manifest.model.settings import ChoiceOption, IntOption, SecretKind, StringOption
from archipelago.container.manifest.options import ANY_INT, broken_rules
from archipelago.container.manifest.templates import Names, check_template
from archipelago.container.manifest.variants import requirements
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path

_Check = Callable[[AppManifest, Declared], Iterator[PathProblem]]


def check_manifest(manifest: AppManifest, declared: Declared | None = None) -> list[PathProblem]:
    """Return everything that does not fit together in a manifest; empty when all is well."""
    names = declared or Declared.of(manifest)
    return [finding for check in _CHECKS for finding in check(manifest, names)]


def _containers(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    for name, container in manifest.containers.items():
        here: Path = ("containers", name)
        for index, other in enumerate(container.after):
            yield from unknown((*here, "after", index), "container", other, declared.containers)
        for index, mount in enumerate(container.mounts):
            yield from unknown((*here, "mounts", index, "volume"), "volume", mount.volume, declared.volumes)
        probe = container.health.probe if container.health is not None else None
        if isinstance(probe, ChainProbe):
            path = (*here, "health", "probe", "secret")
            yield from unknown(path, "secret", probe.secret, declared.secrets)
        yield from _duplicates(
            [
                *(((*here, "mounts", index, "path"), mount.path) for index, mount in enumerate(container.mounts)),
                *(((*here, "tmpfs", index, "path"), scratch.path) for index, scratch in enumerate(container.tmpfs)),
                *(((*here, "files", index, "path"), file.path) for index, file in enumerate(container.files)),
            ],
            "path",
        )


def _duplicates(places: list[tuple[Path, str]], kind: str) -> Iterator[PathProblem]:
    seen: dict[str, Path] = {}
    for path, value in places:
        key = value.rstrip("/") if kind == "path" else value
        if key in seen:
            yield PathProblem(
                path, f"the {kind} {value} is used twice in this {'container' if kind == 'path' else 'app'}"
            )
        seen.setdefault(key, path)


def _order(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    """Find cycles in `after`, each named once and in full."""
    done: set[str] = set()
    for start in manifest.containers:
        trail: list[str] = []
        todo: list[tuple[str, int]] = [(start, 0)]
        while todo:
            name, depth = todo.pop()
            del trail[depth:]
            if name in trail:
                cycle = [*trail[trail.index(name) :], name]
                yield PathProblem(
                    ("containers", trail[-1], "after"), f"containers wait in a circle: {' → '.join(cycle)}"
                )
                continue
            if name in done or name not in manifest.containers:
                continue
            trail.append(name)
            done.add(name)
            todo.extend((other, depth + 1) for other in reversed(manifest.containers[name].after))


def _volumes(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    users: dict[str, list[Path]] = {}
    for name, container in manifest.containers.items():
        for index, mount in enumerate(container.mounts):
            users.setdefault(mount.volume, []).append(("containers", name, "mounts", index, "volume"))
    for name, volume in manifest.volumes.items():
        places = users.get(name, [])
        if not places and declared.complete:
            yield PathProblem(("volumes", name), "no container mounts this volume", at_key=True)
        for index, size in enumerate(volume.disk_when):
            for option, value in size.when.items():
                here: Path = ("volumes", name, "disk_when", index, "when", option)
                yield from unknown(here, "option", option, declared.options, at_key=True)
                yield from misfit(here, option, manifest.options.get(option), value)
        if volume.exclusive:
            for path in places[1:]:
                yield PathProblem(path, f"the volume '{name}' is exclusive and already mounted", "one mount of it")


def _root_key(here: Path, name: str, manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    yield from unknown(here, "secret", name, declared.secrets)
    secret = manifest.secrets.get(name)
    if secret is not None and (secret.kind, secret.bytes, secret.stays) != (SecretKind.TOKEN, 32, True):
        yield PathProblem(here, f"the secret '{name}' is no root key of macaroons", "kind: token, permanent: true")


def _interfaces(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    for name, provided in manifest.provides.items():
        here: Path = ("provides", name)
        yield from unknown((*here, "container"), "container", provided.container, declared.containers)
        if provided.root_key is not None:
            yield from _root_key((*here, "root_key"), provided.root_key, manifest, declared)
        for index, option in enumerate(provided.accepts):
            yield from unknown((*here, "accepts", index), "option", option, declared.options)
    for place, requires in requirements(manifest):
        for name, required in requires.items():
            here = (*place, name)
            if name in manifest.provides and not required.optional:
                yield PathProblem(
                    here, "the app requires an interface that it provides itself", "optional: true", at_key=True
                )
            if required.default == manifest.id:
                yield PathProblem((*here, "default"), "the app cannot be its own provider", "another app")
    if manifest.egress is Egress.TOR and TOR not in manifest.requires and declared.complete:
        yield PathProblem(("egress",), "egress over Tor needs the interface of a Tor proxy", f"'{TOR}' in 'requires'")
    for index, conflict in enumerate(manifest.conflicts):
        if conflict.app == manifest.id:
            yield PathProblem(("conflicts", index, "app"), "the app conflicts with itself", "another app")


def _endpoints(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    ports: list[tuple[Path, str]] = []
    for name, endpoint in manifest.endpoints.items():
        here: Path = ("endpoints", name)
        yield from unknown((*here, "container"), "container", endpoint.container, declared.containers)
        ports.append(((*here, "host_port"), str(endpoint.host_port)))
        if endpoint.scheme is not None and (endpoint.scheme is Scheme.TCP) != (endpoint.protocol is Protocol.TCP):
            told = f"an address that starts with {endpoint.scheme}:// does not fit the protocol {endpoint.protocol}"
            fitting = "tcp" if endpoint.protocol is Protocol.TCP else "http or ws"
            yield PathProblem((*here, "scheme"), told, f"{fitting}, or no scheme")
    yield from _duplicates(ports, "host port")


def _onions(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    if manifest.onions is not None:
        yield from unknown(("onions", "container"), "container", manifest.onions.container, declared.containers)
        yield from unknown(("onions", "cookie"), "volume", manifest.onions.cookie, declared.volumes)


def _options(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    for name, option in manifest.options.items():
        here: Path = ("options", name)
        if isinstance(option, IntOption) and None not in (option.minimum, option.maximum):
            low, high = option.minimum, option.maximum
            if low is not None and high is not None and low > high:
                yield PathProblem((*here, "minimum"), f"the minimum {low} is above the maximum {high}")
                continue
        if isinstance(option, ChoiceOption):
            places: list[tuple[Path, str]] = [
                ((*here, "choices", index), choice) for index, choice in enumerate(option.choices)
            ]
            yield from _duplicates(places, "choice")
        if isinstance(option, StringOption) and option.pattern is not None:
            try:
                check_pattern(option.pattern)
            except PatternError as error:
                yield PathProblem((*here, "pattern"), f"not a usable regular expression: {error}")
        default: Path = (*here, "default")
        yield from misfit(default, name, option, option.default, most=ANY_INT, what="the default does not fit")


def _rules(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    sound = True
    for index, rule in enumerate(manifest.rules):
        for part, values in (("when", rule.when), ("require", rule.require)):
            for name, value in values.items():
                path: Path = ("rules", index, part, name)
                yield from unknown(path, "option", name, declared.options, at_key=True)
                option = manifest.options.get(name)
                found = tuple(misfit(path, name, option, value, most=ANY_INT))
                sound = sound and option is not None and not found
                yield from found
    if not sound:
        return
    defaults = {name: option.default for name, option in manifest.options.items()}
    broken = broken_rules(manifest, defaults)
    for index, rule in enumerate(manifest.rules):
        if rule in broken:
            yield PathProblem(("rules", index), f"the options' own defaults break this rule ({rule.because})")


def _metadata(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    if manifest.bitcoin is not None:
        for key in ("network_option", "prune_option"):
            if (named := getattr(manifest.bitcoin, key)) is not None:
                yield from unknown(("bitcoin", key), "option", named, declared.options)


def _templates(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    names = Names(declared.options, None)
    for path, text in _inline_templates(manifest):
        for problem in check_template(text, names):
            yield PathProblem(path, problem.message, hint=problem.hint)
    secretive = Names(declared.options, declared.secrets)
    for name, container in manifest.containers.items():
        for variable, text in container.secret_environment.items():
            for problem in check_template(text, secretive):
                yield PathProblem(
                    ("containers", name, "secret_environment", variable), problem.message, hint=problem.hint
                )


def _inline_templates(manifest: AppManifest) -> Iterator[tuple[Path, str]]:
    for name, container in manifest.containers.items():
        for index, argument in enumerate(container.command):
            yield ("containers", name, "command", index), argument
        for variable, value in container.environment.items():
            yield ("containers", name, "environment", variable), value
    for name, provided in manifest.provides.items():
        for key, value in provided.exports.items():
            yield ("provides", name, "exports", key), value


_CHECKS: tuple[_Check, ...] = (
    _containers,
    _order,
    _volumes,
    _interfaces,
    check_variants,
    _endpoints,
    _onions,
    _options,
    _rules,
    _metadata,
    check_on_disk,
    _templates,
)

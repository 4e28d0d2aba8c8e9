"""Checks of the variants of a manifest: can they ever apply, and do they reach no more than the app itself?"""

from collections.abc import Iterator

from archipelago.container.manifest.checks.findings import misfit, unknown
from archipelago.container.manifest.model.app import AppManifest, Egress, Variant
from archipelago.container.manifest.model.declared import Declared
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path

TOR = "tor-socks"
"""Interface of a Tor proxy."""


def check_variants(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    """Yield everything that does not fit together."""
    for index, variant in enumerate(manifest.variants):
        here: Path = ("variants", index)
        yield from _when(manifest, (*here, "when"), variant, declared)
        for interface in variant.requires:
            if interface in manifest.requires:
                message = f"the app requires '{interface}' in any case"
                path = (*here, "requires", interface)
                yield PathProblem(path, message, "an interface that is not in 'requires'", at_key=True)
        if not declared.complete:
            continue
        if variant.egress.rank > manifest.egress.rank:
            # The store rates an app before anybody has set its options.
            message = f"it reaches more than the app's own 'egress: {manifest.egress}', by which the store rates it"
            yield PathProblem((*here, "egress"), message, "no more than that, or a wider 'egress' of the app")
        if variant.egress is Egress.TOR and TOR not in {*manifest.requires, *variant.requires}:
            yield PathProblem(
                (*here, "egress"), "egress over Tor needs the interface of a Tor proxy", f"'{TOR}' in 'requires'"
            )


def _when(manifest: AppManifest, here: Path, variant: Variant, declared: Declared) -> Iterator[PathProblem]:
    demandable = {option for provided in manifest.provides.values() for option in provided.accepts}
    for option, value in variant.when.items():
        path = (*here, option)
        yield from unknown(path, "option", option, declared.options, at_key=True)
        yield from misfit(path, option, manifest.options.get(option), value)
        if option in demandable:
            message = f"other apps may demand values of '{option}', and what this one reaches is for its owner to say"
            yield PathProblem(path, message, "an option that no 'accepts' names", at_key=True)

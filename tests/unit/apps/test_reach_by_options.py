"""Apps that reach the outside for the sake of an option alone reach nothing without it."""

import pytest

from archipelago.container.manifest.model.app import Egress
from archipelago.container.manifest.package import load_package
from archipelago.container.manifest.variants import in_force
from support.checkout import APPS


@pytest.mark.parametrize(
    ("app", "option", "less", "more", "reach"),
    [
        ("ntfy", "iphone", False, True, Egress.DIRECT),
        ("prometheus", "targets", "", "nas.local:9100 10.0.0.7:9100", Egress.LAN),
        ("syncthing", "internet", False, True, Egress.DIRECT),
    ],
)
def test_it_reaches_nothing_without_the_option(
    app: str, option: str, less: bool | str, more: bool | str, reach: Egress
) -> None:
    manifest = load_package(APPS / app).manifest
    defaults = {name: each.default for name, each in manifest.options.items()}
    assert in_force(manifest, {**defaults, option: less}).egress is Egress.NONE
    assert in_force(manifest, {**defaults, option: more}).egress is reach

"""Data that an image keeps, and its manifest does not know of."""

import pytest

from archipelago.container.images.declared_volumes import uncovered
from archipelago.container.manifest.model.containers import Container


@pytest.mark.parametrize(
    ("declared", "left"),
    [
        ((), ()),
        (("/data", "/data/", "//data/./deep"), ()),
        (("/scratch/a",), ()),
        (("/database", "/dat", "/"), ("/", "/dat", "/database")),
        (("/var/lib/x", "relative/"), ("/relative", "/var/lib/x")),
        (("/data/../etc",), ("/etc",)),
    ],
)
def test_what_lies_at_or_below_a_volume_or_tmpfs_is_covered(declared: tuple[str, ...], left: tuple[str, ...]) -> None:
    container = Container.model_validate(
        {
            "image": f"registry.example/x@sha256:{'0' * 64}",
            "mounts": [{"volume": "data", "path": "/data"}],
            "tmpfs": [{"path": "/scratch"}],
        }
    )
    assert uncovered(container, declared) == left

"""Puts the data root of a node of commit 528ae93 in the place of a test's node."""

import shutil

from support.checkout import FIXTURES
from support.harness import TestNode, podman

FIRST_LAYOUT = FIXTURES / "first-layout.tar.xz"


def unpack(node: TestNode) -> None:
    """Unpack it, each file with the owner that it has within the service user's namespace."""
    shutil.rmtree(node.runtime, ignore_errors=True)
    node.root.mkdir(parents=True)
    podman(
        *("unshare", "tar", "--extract", "--numeric-owner", "--same-owner", "--same-permissions"),
        *("--file", str(FIRST_LAYOUT), "--directory", str(node.root)),
    )

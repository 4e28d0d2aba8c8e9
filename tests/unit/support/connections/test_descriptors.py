"""Open files are shared out so that enough are left, whatever the limit is."""

import dataclasses
import resource
import subprocess
import sys

import pytest

from archipelago.support.connections.descriptors import shares


@pytest.mark.parametrize("files", [1024, 1025, 4096, 16_384, 1 << 20])
def test_a_third_is_left_for_the_node_itself(files: int) -> None:
    found = shares(files)
    taken = found.unix + found.loopback + found.local + 2 * (found.apps + found.guarded) + 3 * found.streams
    assert files - taken >= 256
    assert min(dataclasses.astuple(found)) >= 32


def test_a_process_takes_what_it_may_have() -> None:
    module = "archipelago.support.connections.descriptors"
    program = f"from {module} import limit, raise_limit; print(limit(), raise_limit(), limit())"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, preexec_fn=lower)
    assert done.stdout.split() == ["256", str(most), str(most)], done.stderr

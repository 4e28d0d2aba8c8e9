"""The least privilege, and what a manifest adds back."""

from typing import Any

from archipelago.container.manifest.model.containers import Container
from archipelago.security.container_policies.confinement import confine


def container(**changes: Any) -> Container:
    return Container.model_validate({"build": {"type": "packages", "packages": ["x"]}, **changes})


def test_a_container_that_asks_for_nothing_gets_nothing() -> None:
    confined = confine(container())
    assert (confined.cap_drop, confined.cap_add, confined.devices) == (("ALL",), (), ())
    assert confined.no_new_privileges and confined.read_only
    limits = confined.limits
    assert limits.memory == limits.memory_swap == 512 * 1024**2, "no swap"
    assert limits.pids == 256
    assert limits.cpu_quota == limits.cpu_period == 100_000


def test_what_is_declared_is_added_back_in_a_fixed_order() -> None:
    capabilities = ["CAP_SETUID", "CAP_CHOWN"]
    one = confine(container(security={"capabilities": capabilities, "devices": ["/dev/b", "/dev/a"]}))
    other = confine(container(security={"capabilities": capabilities[::-1], "devices": ["/dev/a", "/dev/b"]}))
    assert one == other
    assert one.cap_add == ("CAP_CHOWN", "CAP_SETUID") and one.cap_drop == ("ALL",)
    assert not confine(container(security={"writable_root": True})).read_only


def test_a_tiny_share_of_a_processor_is_one_that_the_kernel_takes() -> None:
    assert confine(container(resources={"cpu": 0.001})).limits.cpu_quota == 1_000
    assert confine(container(resources={"cpu": 0.5})).limits.cpu_quota == 50_000

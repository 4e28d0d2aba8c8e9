"""How the project's own apps are stopped."""

import pytest

from archipelago.container.manifest.package import load_package
from support.checkout import APPS

PATIENCE = 60.0
"""Seconds."""
OWN = sorted(path.parent.name for path in APPS.glob("*/manifest.yml"))


@pytest.mark.parametrize("app", OWN)
def test_an_app_that_may_take_long_to_stop_does_not_when_it_has_just_been_started(app: str) -> None:
    # What is PID 1 has no default actions: a signal before it has handlers is lost, and the node waits to the end.
    for container in load_package(APPS / app).manifest.containers.values():
        assert container.init or container.stop.grace <= PATIENCE, container

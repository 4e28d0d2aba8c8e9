"""What is known of a run of a container, for the next life of the daemon."""

from dataclasses import dataclass

from archipelago.api.health import Health


@dataclass(frozen=True, slots=True)
class Remembered:
    """How a run was when it was looked at last."""

    run: str
    """Key of the run (`container_run.run_key`): of another run of the same container it tells nothing."""
    health: Health

"""What is known of a run of a container, for the next life of the daemon."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How a run was when it was looked at last."""

    run: str
    """Key of the run (`keeper/container_run.run_key`): of another run of the same container it says nothing."""
    state: str
    """As text: another version may know more states."""
    reason: str = ""
    since: datetime | None = None

"""How far an update is; a row of an operation says it."""

from enum import StrEnum


class UpdateStage(StrEnum):
    """How far an update is, as a crash finds it again."""

    FETCH = "fetch"
    """Nothing of the apps is changed."""
    COPY = "copy"
    """The apps are stopped for their snapshots; at the end of it the new plan is written down, and they start."""
    TRIAL = "trial"
    """The new version runs, and has to show that it works."""
    BACK = "back"
    """The apps are stopped, and what they were comes back."""
    FORMER = "former"
    """What they were is back, and starts."""

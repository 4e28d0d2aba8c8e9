"""Why a template cannot be rendered."""


class Fault(Exception):
    """A template that cannot be rendered; `line` counts from 1 within it, None where nobody knows."""

    def __init__(self, line: int | None, message: str, seconds: float = 0.0, *, passing: bool = False) -> None:
        """Take also the CPU time that was spent until then, and whether the same template may succeed next time."""
        super().__init__(message)
        self.line = line
        self.message = message
        self.seconds = seconds
        self.passing = passing

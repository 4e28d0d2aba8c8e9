"""Limits of time that say something about the code, and nothing about what else runs on the machine."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Counts the processor time of this process from the start of a test."""

    began: float = field(default_factory=time.process_time)

    def require_below(self, seconds: float) -> None:
        """Require that so much has not been used up."""
        spent = time.process_time() - self.began
        assert spent < seconds, f"{spent:.1f} s of processor time"

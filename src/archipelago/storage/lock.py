"""One daemon per data root: two would fight over the same containers."""

import fcntl
import os

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout


class RootLock:
    """A lock on a data root (flock(2)); the kernel lets go of it with the process, however that ends."""

    def __init__(self, layout: Layout) -> None:
        layout.root.mkdir(parents=True, exist_ok=True)
        self._file = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise NodeError(
                ErrorCode.BUSY,
                f"a node is already running with the data in {layout.root}",
                hint="use it ('./archipelago list'), or stop it first",
            ) from None

    def release(self) -> None:
        """Let go of the root."""
        os.close(self._file)

"""One daemon per data root: two would fight over the same containers."""

import fcntl
import os

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.support.private_files import reported
from archipelago.support.texts.text import msg


class RootLock:
    """A lock on a data root (flock(2)); the kernel lets go of it with the process, however that ends.

    Raises `NodeError` where another process has it, or the file system takes no file.
    """

    def __init__(self, layout: Layout) -> None:
        with reported(layout.root):
            layout.root.mkdir(parents=True, exist_ok=True)
        with reported(layout.lock):
            self._file = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._file)
                raise NodeError(
                    ErrorCode.BUSY,
                    msg("a node is already running with the data in {root}", root=layout.root),
                    hint=msg("use it ('./archipelago list'), or stop it first"),
                ) from None
            except OSError:
                os.close(self._file)
                raise

    def release(self) -> None:
        """Let go of the root."""
        os.close(self._file)

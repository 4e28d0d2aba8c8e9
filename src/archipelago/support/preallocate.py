"""Room on a disk that is taken before it is needed, so that others who fill the disk cannot have it."""

import ctypes
import errno
import os

_KEEP_SIZE = 1
"""FALLOC_FL_KEEP_SIZE of fallocate(2): blocks beyond the end of the file, which stays where it is."""
_libc = ctypes.CDLL(None, use_errno=True)
_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def preallocate(descriptor: int, end: int) -> bool:
    """Take the room for a file of `end` bytes; return False where the file system knows no such thing.

    Raises `OSError`, and has taken no more room then than there was.
    """
    if _libc.fallocate64(descriptor, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(end)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number))

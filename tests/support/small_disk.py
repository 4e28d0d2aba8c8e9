"""A file system with hardly any room, which the service user may mount in a namespace of his own."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def small_disk(*, size: str = "1m", files: int = 1000) -> Iterator[Path]:
    """Yield a directory with room for `size` bytes (a suffix of k or m multiplies) and about `files` files.

    A process in Podman's user namespace holds the mount; others reach it through its root (proc_pid_root(5)).
    """
    script = f"mount -t tmpfs -o size={size},nr_inodes={files},mode=0777 small /mnt && echo mounted && exec cat"
    holder = subprocess.Popen(
        ["podman", "unshare", "sh", "-c", f"echo $$; {script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        pid = int(holder.stdout.readline())
        assert holder.stdout.readline() == "mounted\n"
        yield Path(f"/proc/{pid}/root/mnt")
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()

"""All that can be told of a directory: what a copy has to be like."""

import hashlib
import json
import os
import stat
import sys
from pathlib import Path


def tree(top: Path) -> str:
    """Return a hash over names, kinds, content, owners, modes, times, links and extended attributes."""
    seen: dict[int, str] = {}
    digest = hashlib.sha256()
    paths = [top, *sorted(Path(folder) / name for folder, names, files in os.walk(top) for name in (*names, *files))]
    for path in paths:
        found = path.lstat()
        name = str(path.relative_to(top))
        said = [name, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, seen.setdefault(found.st_ino, name)]
        if stat.S_ISREG(found.st_mode):
            said += [found.st_size, hashlib.sha256(path.read_bytes()).hexdigest()]
        elif stat.S_ISLNK(found.st_mode):
            said.append(str(path.readlink()))
        names = os.listxattr(path, follow_symlinks=False)
        said += [f"{key}={os.getxattr(path, key, follow_symlinks=False)!r}" for key in sorted(names)]
        digest.update(json.dumps(said).encode())
    return digest.hexdigest()


if __name__ == "__main__":
    print(tree(Path(sys.argv[1])))

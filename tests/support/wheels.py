"""Makes wheels, good and hostile ones."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

FILENAME = "foo-1.0-py3-none-any.whl"
INFO = "foo-1.0.dist-info"
ESSENTIAL = {
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": "",
}
GOOD = {"foo/__init__.py": "", **ESSENTIAL}


def write_wheel(path: Path, files: Mapping[str, str | bytes] = GOOD, modes: Mapping[str, int] | None = None) -> Path:
    """Write a zip file with these members, some with modes of their own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path

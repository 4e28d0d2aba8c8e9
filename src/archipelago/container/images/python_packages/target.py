"""The Python that an image has: which wheels run on it, and what markers say there. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import Version

from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.model.images import Suite

_PYTHON: dict[Suite, str] = {"bookworm": "3.11.2", "trixie": "3.13.5", "sid": "3.13.5"}
_GLIBC_MINOR: dict[Suite, int] = {"bookworm": 36, "trixie": 40, "sid": 40}
"""What uv knows; trixie itself has one more."""
_MACHINE = {Architecture.AMD64: "x86_64", Architecture.ARM64: "aarch64"}
_OLDEST_GLIBC_MINOR = {Architecture.AMD64: 5, Architecture.ARM64: 17}
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""Names of platforms before PEP 600, by the minor version of glibc 2 that they stand for."""


@dataclass(frozen=True)
class PythonTarget:
    """CPython of a Debian suite on an architecture."""

    suite: Suite
    architecture: Architecture

    @property
    def full_version(self) -> Version:
        """The version of Python, such as 3.11.2."""
        return Version(_PYTHON[self.suite])

    @property
    def version(self) -> str:
        """Major and minor version of Python, such as 3.11."""
        return f"{self.full_version.major}.{self.full_version.minor}"

    @property
    def uv_platform(self) -> str:
        """What `uv --python-platform` calls it."""
        return f"{_MACHINE[self.architecture]}-manylinux_2_{_GLIBC_MINOR[self.suite]}"

    @cached_property
    def preference(self) -> dict[Tag, int]:
        """Tags of the wheels that run there (PEP 425, PEP 600), each with its place: 0 is the best."""
        python = (self.full_version.major, self.full_version.minor)
        interpreter = f"cp{python[0]}{python[1]}"
        platforms = tuple(self._platforms())
        tags = [
            *cpython_tags(python, abis=(interpreter,), platforms=platforms),
            *compatible_tags(python, interpreter=interpreter, platforms=platforms),
        ]
        return {tag: place for place, tag in reversed(list(enumerate(tags)))}

    @property
    def environment(self) -> dict[str, str]:
        """The values of markers there (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": str(self.full_version),
            "os_name": "posix",
            "platform_machine": _MACHINE[self.architecture],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": str(self.full_version),
            "python_version": self.version,
            "sys_platform": "linux",
        }

    def _platforms(self) -> Iterator[str]:
        machine = _MACHINE[self.architecture]
        for minor in range(_GLIBC_MINOR[self.suite], _OLDEST_GLIBC_MINOR[self.architecture] - 1, -1):
            yield f"manylinux_2_{minor}_{machine}"
            if minor in _OLD_NAMES:
                yield f"{_OLD_NAMES[minor]}_{machine}"
        # What is built for this machine alone; an index does not take such wheels.
        yield f"linux_{machine}"

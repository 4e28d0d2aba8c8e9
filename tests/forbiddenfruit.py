"""Set an attribute of a built-in type, as BlockBuster asks of the package `forbiddenfruit`.

That package exists as a source distribution only, and nothing is built while the tests' environment is set up.
"""

import ctypes
import gc

_type_modified = ctypes.pythonapi.PyType_Modified
_type_modified.argtypes = [ctypes.py_object]
_type_modified.restype = None


def curse(kind: type, name: str, value: object) -> None:
    """Set `kind.name`, which Python itself refuses for types that are written in C."""
    # What a read-only view of a dictionary refers to is that dictionary.
    (attributes,) = gc.get_referents(vars(kind))
    attributes[name] = value
    _type_modified(kind)

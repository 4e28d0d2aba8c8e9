"""Plugins of packages are not looked for while a library is imported, and are there for whoever looks later."""

import subprocess
import sys

_PROGRAM = """
import sys
from archipelago.support.plugins import plugins_unloaded
with plugins_unloaded():
    from importlib.metadata import entry_points
    assert entry_points(group="pydantic") == ()
    import pydantic
assert "importlib.metadata" not in sys.modules
class Model(pydantic.BaseModel):
    field: int
assert Model(field=1).field == 1
from importlib.metadata import version
assert version("pydantic") == pydantic.VERSION
with plugins_unloaded():  # too late, and nothing is broken by it
    assert version("pydantic") == pydantic.VERSION
assert version("pydantic") == pydantic.VERSION
"""


def test_nothing_is_found_within_and_all_is_there_afterwards() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True)

"""The program that touches the files of a build executes nothing of them."""

import os
import subprocess
import sys
from pathlib import Path

from archipelago.container.images.build import agent

_SCRIPT = """
import os, sys
os.chroot = lambda path: None  # only root may; the modules of this directory stand for those of the build
exec(compile(sys.argv[1], "agent", "exec"), agent := {"__name__": "agent"})
sys.path.insert(0, os.getcwd())
if sys.argv[2] == "inside":
    agent["enter_root"]()
assert "traceback" in sys.modules
import foreign
"""


def imports(folder: Path, where: str) -> bool:
    """Tell whether a module in a folder is imported."""
    source = Path(agent.__file__).read_text()
    command = (sys.executable, "-I", "-c", _SCRIPT, source, where)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0 or "No module named 'foreign'" in done.stderr, done.stderr
    return (folder / "executed").exists()


def test_no_module_is_imported_from_the_root_of_a_build(tmp_path: Path) -> None:
    (tmp_path / "foreign.py").write_text("open('executed', 'w').close()")
    assert not imports(tmp_path, "inside")
    assert imports(tmp_path, "outside"), "the test would see it"

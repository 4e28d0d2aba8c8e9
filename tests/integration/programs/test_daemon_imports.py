"""What the daemon leaves out when it starts: it holds what it loads for as long as it runs."""

import os
import subprocess
import sys

import archipelago.container.operations.jobs
from support.checkout import SOURCE

PROGRAM = """
import runpy, sys
sys.argv = ["archipelago-daemon", "--help"]
try:
    runpy.run_module("archipelago.daemon", run_name="__main__")
except SystemExit:
    pass
import frozenlist, mimetypes
frozen = frozenlist.FrozenList([1])
frozen.freeze()
assert list(frozen) == [1]
assert mimetypes.guess_type("page.html")[0] == "text/html" and mimetypes.guess_type("picture.xcf")[0] is None
print(*(name for name, module in sys.modules.items() if module is not None), file=sys.stderr)
print(open("/proc/self/maps").read(), file=sys.stderr)
"""
NOT_AT_THE_START = {
    "alembic", "cyclonedx", "frozenlist._frozenlist", "greenlet", "importlib.metadata", "jinja2", "mnemonic", "pyotp",
    "rich", "segno", "sigstore", "sqlalchemy", "typer", "webauthn", "zeroconf",
}  # fmt: skip
WHERE_SOMETHING_IS_CHANGED = {
    "archipelago.backups.repository", "archipelago.backups.remote",
    "archipelago.container.operations.backup_tools", "archipelago.container.operations.backups",
    "archipelago.container.operations.orchestrator", "archipelago.container.operations.snapshot_files",
    "archipelago.container.operations.snapshots", "archipelago.container.reports.examination",
    "archipelago.performance.doctor",
}  # fmt: skip
"""What changes apps, writes backups and examines the host; an idle node does none of it."""


def test_a_daemon_starts_without_what_few_nodes_need() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, mapped = done.stderr.split("\n", 1)
    assert "usage: archipelago-daemon" in done.stdout and "archipelago.node.node" in modules.split()
    assert not (NOT_AT_THE_START | WHERE_SOMETHING_IS_CHANGED) & set(modules.split())
    jobs = f"{archipelago.container.operations.jobs.__name__}."
    assert not [name for name in modules.split() if name.startswith(jobs)], "a kind is loaded with the first job of it"
    assert "pydantic_core" in mapped
    assert "libstdc++" not in mapped, "the library of C++ takes a megabyte"

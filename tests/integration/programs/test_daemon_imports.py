"""What a start of the daemon does not need stays unloaded: each takes about a megabyte for as long as it runs."""

import subprocess
import sys

UNNEEDED = {
    "alembic": "migrates a database of an earlier version",
    "archipelago.container.images.image_builder": "builds images",
    "configparser": "reads what rclone is configured with",
    "cryptography.hazmat.primitives.serialization": "reads and writes keys in files",
    "difflib": "finds the name that somebody meant",
    "greenlet._greenlet": "structlog would look for its threads",
    "importlib.metadata": "pydantic would look for plugins with it",
    "mnemonic": "spells a key in words",
    "plistlib": "makes what Apple's devices install",
    "pyotp": "checks codes of a second factor",
    "rich.traceback": "structlog would colour tracebacks with it",
    "sqlalchemy": "migrates a database of an earlier version",
    "tarfile": "packs what a build takes",
}


def test_a_start_loads_nothing_that_few_runs_need() -> None:
    command = (sys.executable, "-X", "importtime", "-m", "archipelago.daemon", "--help")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"archipelago.node.node", "aiohttp", "pydantic"} <= loaded
    assert loaded & UNNEEDED.keys() == set()

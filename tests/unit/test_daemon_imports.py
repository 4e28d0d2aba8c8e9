"""What a start of the daemon loads: each megabyte of it stays for as long as the node runs."""

import os
import subprocess
import sys

from support.checkout import SOURCE

USED_RARELY = {
    "alembic",  # when a database of an earlier version is opened
    "cryptography.hazmat.primitives.serialization",  # when a key of another kind or form is read
    "cryptography.x509",  # when the node or an app is open to the local network
    "cyclonedx",  # when a bill of materials is written
    "jinja2",  # when an app has a template
    "segno",  # when a second factor is set up
    "sigstore",  # when an image has a signature without a key
    "sqlalchemy",  # when a database of an earlier version is opened
    "smtplib",  # when a notice is sent by e-mail
    "webauthn",  # when a passkey is used
}
NEVER_USED = {"pygments", "typer"}  # Pygments comes with Rich, which is listed even where loading it is refused


def test_the_daemon_does_not_load_what_is_used_rarely() -> None:
    # It ends at its arguments, once all imports are done.
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "archipelago.daemon", "--nonsense"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"archipelago.node.node", "archipelago.storage.stores.state", "pydantic"} <= loaded
    unwanted = USED_RARELY | NEVER_USED
    assert not {one for one in loaded if any(one == name or one.startswith(f"{name}.") for name in unwanted)}

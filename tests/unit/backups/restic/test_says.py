"""What restic says, in the words of its versions. Pure."""

import pytest

from archipelago.backups.restic.says import could_not_delete, failure, lost_lock
from archipelago.errors import ErrorCode

ID = "bfa9ec7a63f398949a4993d4859857b16a10505c094dcbe09ef9308722b7f710"
REFUSED = (
    "Remove(<snapshot/bfa9ec7a63>) failed: unexpected HTTP response (403): 403 Forbidden\n"
    f"unable to remove snapshot/{ID} from the repository"
)
"""Of `forget` of 0.18, which ends with 0 then."""


def test_what_could_not_be_deleted_is_said_though_restic_ends_well() -> None:
    assert could_not_delete(REFUSED)
    assert failure(0, REFUSED, "there").code is ErrorCode.FORBIDDEN
    assert not could_not_delete("warning: unable to remove is what an app calls a file of its own")
    assert not could_not_delete("")


@pytest.mark.parametrize(
    "errors",
    [
        f'invalid id "{ID}": no matching ID found for prefix "{ID}"',
        f"stat /disk/snapshots/{ID}: no such file or directory",
        "Load(<snapshot/bfa9ec7a63>, 0, 0) failed: <snapshot/bfa9ec7a63> does not exist\n"
        "Fatal: failed to find snapshot: failed to load snapshot bfa9ec7a: <snapshot/bfa9ec7a63> does not exist",
    ],
    ids=["0.14", "0.18 in a folder", "0.18 at a server"],
)
def test_a_snapshot_that_is_gone_is_named_so(errors: str) -> None:
    assert failure(1, errors, "there").code is ErrorCode.DATA_MISSING


@pytest.mark.parametrize(
    "why",
    [
        "<lock/0c9022b0fa> does not exist",
        "open /proc/self/fd/3/locks/0c9022b0fab3: no such file or directory",
        "The specified key does not exist.",
        "unexpected HTTP response (404): 404 Not Found",
    ],
)
def test_a_lock_of_another_restic_that_went_is_no_damage(why: str) -> None:
    line = f"Load(<lock/0c9022b0fa>, 0, 0) returned error, retrying after 552.330144ms: {why}"
    assert lost_lock(f"a line before\n{line}")
    assert failure(1, line, "/mnt/usb").code is ErrorCode.BUSY


@pytest.mark.parametrize(
    "line",
    [
        "Load(<data/0c9022b0fa>, 0, 0) returned error, retrying after 552ms: <data/0c9022b0fa> does not exist",
        "Load(<lock/0c9022b0fa>, 0, 0) returned error, retrying after 552ms: connection refused",
        "Load(<lock/0c9022b0fa>, 0, 0) returned error, retrying after 1s: EOF\nopen /mnt/usb/config: no such file",
    ],
)
def test_other_trouble_is_no_lost_lock(line: str) -> None:
    assert not lost_lock(line)

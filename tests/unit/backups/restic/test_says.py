"""What restic says, in the words of its versions. Pure."""

import pytest

from archipelago.backups.restic.says import could_not_delete, failure
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

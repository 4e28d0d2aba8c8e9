"""What an owner reads when an image cannot be had."""

import errno

import pytest

from archipelago.container.images.errors import explained, tool_failed
from archipelago.container.manifest.package import load_package
from archipelago.container.podman_client.errors import PodmanCall, PodmanFailure, StorageFull
from archipelago.errors import ErrorCode, NodeError
from support.checkout import APPS

TOR = load_package(APPS / "tor")
CALL = PodmanCall("pull image", "registry.example/x:1")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/w/build-1"), ErrorCode.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/w/build-1"), ErrorCode.DISK_FULL),
        (StorageFull(CALL, "write /var/x: no space left on device"), ErrorCode.DISK_FULL),
        (OSError(errno.EACCES, "Permission denied", "/w/build-1"), ErrorCode.IMAGE),
        (PodmanFailure(CALL, "manifest unknown"), ErrorCode.IMAGE),
    ],
)
def test_each_refusal_has_its_code_and_keeps_its_reason(raised: Exception, code: ErrorCode) -> None:
    with pytest.raises(NodeError) as told, explained(TOR):
        raise raised
    assert told.value.code is code
    assert told.value.hint
    assert told.value.data["app"] == "tor"
    if code is ErrorCode.DISK_FULL:
        assert told.value.data["reason"] == str(raised)
    else:
        assert str(raised) in told.value.message


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("tar: root.tar: Cannot write: No space left on device\n", ErrorCode.DISK_FULL),
        ("error: failed to write (os error 122): Disk quota exceeded\n", ErrorCode.DISK_FULL),
        ("E: You don't have enough free space in /var/cache/apt/archives/.\n", ErrorCode.DISK_FULL),
        ("noise\nE: Unable to locate package nosuch\n", ErrorCode.IMAGE),
    ],
)
def test_a_tools_words_tell_a_full_disk_from_other_failures(output: str, code: ErrorCode) -> None:
    error = tool_failed(TOR, "mmdebstrap", 25, output)
    assert error.code is code
    if code is ErrorCode.IMAGE:
        assert "mmdebstrap: E: Unable to locate package nosuch" in error.message


def test_a_mistake_of_our_own_is_not_explained_away() -> None:
    with pytest.raises(KeyError), explained(TOR):
        raise KeyError("x")

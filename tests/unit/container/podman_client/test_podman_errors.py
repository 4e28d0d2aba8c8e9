"""Podman's words become types; each of these was said by a real Podman."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.podman_client.errors import (
    AlreadyExists,
    BadRequest,
    EndedMeanwhile,
    ImageMissing,
    NotFound,
    PodmanCall,
    PodmanConflict,
    PodmanError,
    PodmanFailure,
    PodmanPanic,
    PortTaken,
    StorageDamaged,
    StorageFull,
    error_from_reply,
    error_from_text,
    stale_mount,
)
from archipelago.container.podman_client.wire.transport import inner_error

_OVERLAY = "/var/lib/archipelago/podman/overlay"
_LAYER = f"{_OVERLAY}/{'a7' * 32}"
_GONE = "no such file or directory"
_CALL = PodmanCall("create container", "archipelago-x")


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (
            500,
            "the container name is already in use by 5d: that name is already in use",
            AlreadyExists,
        ),
        (409, "network name x already used: network already exists", AlreadyExists),
        (500, "subnet 10.89.0.0/24 is already used on the host or by another config", PodmanConflict),
        (500, "container 5d is already connected to network x: network is already connected", AlreadyExists),
        (404, "No such image: localhost/none:1: image not known", ImageMissing),
        (500, "localhost/none:1: image not known", ImageMissing),
        (500, "unable to find network with name or ID x: network not found", NotFound),
        (404, 'no container with name or ID "x" found: no such container', NotFound),
        (500, "can only create exec sessions on running containers: container state improper", PodmanConflict),
        (
            500,
            "cannot remove container 5d as it could not be stopped: sending SIGKILL to container 5d: "
            "container state improper: stopped",
            EndedMeanwhile,
        ),
        (500, '"x" has associated containers with it: network is being used', PodmanConflict),
        (409, "image used by 5d: image is in use by a container", PodmanConflict),
        (400, "failed to decode", BadRequest),
        (500, "copying system image: write /var/x: no space left on device", StorageFull),
        (500, "beginning container 12 transaction: database or disk is full", StorageFull),
        (500, "runtime error: invalid memory address or nil pointer dereference", PodmanPanic),
        (500, "layer not known", StorageDamaged),
        (
            500,
            f"getting graph driver info: readlink {_OVERLAY}/l/4WUC3ZNY7O: no such file or directory",
            StorageDamaged,
        ),
        (500, f"creating container storage: creating read-write layer: Stat {_LAYER}/diff: {_GONE}", StorageDamaged),
        (500, f"stat {_LAYER}: {_GONE}", StorageDamaged),
        (500, f"faccessat {_LAYER}: {_GONE}", StorageDamaged),
        (500, "failed in inspect image x: unexpected end of JSON input", StorageDamaged),
        (500, "failed in inspect image x: invalid character '\\x00' looking for beginning of value", StorageDamaged),
        (
            500,
            f'mounting storage: creating overlay mount to {_LAYER}/merged, mount_data="lowerdir=x": {_GONE}',
            StorageDamaged,
        ),
        (
            500,
            f"mounting storage: recreating the missing symlinks: 1 error occurred:\n\t* open {_LAYER}/link: {_GONE}",
            StorageDamaged,
        ),
        (500, f"stat /data/overlay/apps/x/volumes/main: {_GONE}", PodmanFailure),
        (500, f"statfs /data/apps/x/volumes/main: {_GONE}", PodmanFailure),
        (500, "crun: executable file `nope` not found in $PATH", PodmanFailure),
    ],
)
def test_words_become_types(status: int, text: str, kind: type[PodmanError]) -> None:
    body = json.dumps({"cause": "the cause", "message": text, "response": status}).encode()
    error = error_from_reply(_CALL, status, body)
    assert type(error) is kind
    assert (error.status, error.cause, error.message) == (status, "the cause", text)
    assert str(error) == f"create container archipelago-x: {text}"


@pytest.mark.parametrize(
    ("text", "ip", "port"),
    [
        ("rootlessport listen tcp 127.0.0.1:41129: bind: address already in use", "127.0.0.1", 41129),
        ("listen tcp [::1]:80: bind: address already in use", "::1", 80),
        ("cannot listen on the TCP port: listen tcp4 :80: bind: address already in use", "", 80),
        ("bind: address already in use", None, None),
    ],
)
def test_a_taken_port_is_read(text: str, ip: str | None, port: int | None) -> None:
    error = error_from_text(_CALL, text, status=500)
    assert isinstance(error, PortTaken)
    assert (error.host_ip, error.port) == (ip, port)


@given(st.binary(max_size=300), st.integers(min_value=300, max_value=599))
def test_any_reply_becomes_an_error(body: bytes, status: int) -> None:
    error = error_from_reply(_CALL, status, body)
    assert error.status == status and error.message


def test_errors_inside_a_reply_of_success() -> None:
    assert inner_error(_CALL, [{"Id": "x", "Err": None}], 200) is None
    assert inner_error(_CALL, {"Error": None, "Stats": []}, 200) is None
    assert inner_error(_CALL, None, 200) is None
    assert isinstance(inner_error(_CALL, [{"Name": "x", "Err": "network is being used"}], 200), PodmanConflict)
    assert isinstance(inner_error(_CALL, {"Error": {}, "Stats": None}, 200), PodmanFailure)


def test_a_layer_that_is_mounted_still_is_told_by_its_path() -> None:
    root = f"/var/lib/archipelago/podman/overlay/{'4d' * 32}/merged"
    assert stale_mount(f"list images: unlinkat {root}: device or resource busy") == root
    for text in (
        f"unlinkat {root}/etc: device or resource busy",
        f"unlinkat {root}: permission denied",
        "unlinkat /etc/merged: device or resource busy",
        "unlinkat ../overlay/merged: device or resource busy",
    ):
        assert stale_mount(text) is None


def test_the_damaged_image_is_named_where_podman_names_it() -> None:
    name = "f1" * 32
    text = (
        f'retrieving label for image "{name}": you may need to remove the image to resolve the error: layer not known'
    )
    error = error_from_text(_CALL, text, status=500)
    assert isinstance(error, StorageDamaged) and error.image == name
    unnamed = error_from_text(_CALL, "layer not known", status=500)
    assert isinstance(unnamed, StorageDamaged) and unnamed.image is None

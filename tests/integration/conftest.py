"""Fixtures of the integration tests."""

from support.podman_fixtures import (
    busybox_image,
    busybox_tar,
    corner,
    podman,
    podman_runtime,
    podman_service,
    podman_socket,
    session_service,
)

__all__ = [
    "busybox_image",
    "busybox_tar",
    "corner",
    "podman",
    "podman_runtime",
    "podman_service",
    "podman_socket",
    "session_service",
]

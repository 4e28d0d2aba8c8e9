"""Fixtures of the integration tests."""

from support.podman_fixtures import (
    busybox_image,
    corner,
    podman,
    podman_runtime,
    podman_service,
    podman_socket,
    session_service,
)

__all__ = ["busybox_image", "corner", "podman", "podman_runtime", "podman_service", "podman_socket", "session_service"]

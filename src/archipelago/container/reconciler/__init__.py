"""Makes Podman look like the desired state."""

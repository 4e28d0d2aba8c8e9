"""Apps as rootless Podman containers: from a manifest to something that runs and is watched."""

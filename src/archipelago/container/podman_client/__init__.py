"""The one door to Podman: a typed, async client of its libpod API."""

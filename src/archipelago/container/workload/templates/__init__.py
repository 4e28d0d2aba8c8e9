"""Templates of manifests and files: rendered within limits."""

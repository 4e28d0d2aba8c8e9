"""Code that tests share: real nodes, real Podman, small catalogs, and nodes in memory."""

"""What tests share: real nodes, real Podman, small catalogs, and small worlds in memory."""

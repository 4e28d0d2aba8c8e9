"""What leaves the node: the views that its clients show, and the surface that the RPC calls."""

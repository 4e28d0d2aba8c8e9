"""HTTP and JSON of Podman's socket."""

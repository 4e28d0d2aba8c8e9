"""From an app to the networks, containers and files that it needs. Pure."""

"""What a container may do, generated from its manifest: the least, and what it asks for. Pure."""

"""What the node knows of Lightning."""

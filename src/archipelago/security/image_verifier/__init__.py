"""Who signed an image: cosign signatures, and whom this node takes images from."""

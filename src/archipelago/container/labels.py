"""Labels that every object of this node carries in Podman."""

NODE = "io.archipelago.node"
APP = "io.archipelago.app"
CONTAINER = "io.archipelago.container"
HASH = "io.archipelago.hash"
BUILD = "io.archipelago.build"
"""On a container in which an image is built, and on nothing else: the directory in which the node builds."""

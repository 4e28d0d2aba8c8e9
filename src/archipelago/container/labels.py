"""Labels that every object of this node carries in Podman."""

NODE = "io.archipelago.node"
APP = "io.archipelago.app"
CONTAINER = "io.archipelago.container"
HASH = "io.archipelago.hash"

"""Labels that every object of this node carries in Podman."""

NODE = "io.archipelago.node"
APP = "io.archipelago.app"
CONTAINER = "io.archipelago.container"
HASH = "io.archipelago.hash"
PLACE = "io.archipelago.place"
"""Number of a container in the start order of its app; no part of its hash."""
BUILD = "io.archipelago.build"
"""On a container in which an image is built, and on nothing else: the directory in which the node builds."""

REPAIR = "io.archipelago.repair"
"""Repair for which a container was made with further arguments; once it has ended, it is not started again."""

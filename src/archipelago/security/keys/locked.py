"""What a node answers whose key is locked."""

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


def node_is_locked() -> NodeError:
    """Return what a locked node answers to all that it cannot do."""
    return NodeError(
        ErrorCode.LOCKED,
        msg("the node is locked: apps that run go on, and nothing can be changed"),
        hint=msg(
            "unlock it on the node with 'archipelago key unlock', or restore its key with 'archipelago key restore'"
        ),
    )

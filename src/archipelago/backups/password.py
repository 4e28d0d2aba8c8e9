"""The password of the node's repositories, and its key for machines that are reached over SSH.

It is derived from the node's key, 256 random bits that the recovery words bring back. So nothing has to be kept beside
the words: a bare machine, the words and the target are enough, and no file can be lost that would open the backups.
It reveals nothing of the key, so the owner may write it down, or give it to `restic` on another machine.
"""

from archipelago.security.keys.node_key import NodeKey

PURPOSE = "archipelago backups 1"
SSH_PURPOSE = "archipelago backups ssh 1"
"""The words bring this key back too, so the machines know it again."""


def repository_password(key: NodeKey) -> str:
    """Return the password, 64 hexadecimal digits. Blocking; raises `NodeError`."""
    return key.derive(PURPOSE)


def ssh_seed(key: NodeKey) -> str:
    """Return the seed of the key for SSH, 64 hexadecimal digits. Blocking; raises `NodeError`."""
    return key.derive(SSH_PURPOSE)

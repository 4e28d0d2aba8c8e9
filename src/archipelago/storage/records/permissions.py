"""What a caller may do, and which roles may do it. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What a caller must be allowed to do."""

    LOGIN = "login"
    """Show who one is: everybody may."""
    DISCOVER = "discover"
    """Read the description of the RPC."""
    READ = "read"
    """See the node: apps, logs, events."""
    ACCOUNT = "account"
    """Look after one's own login: password, second factor, sessions."""
    OPERATE = "operate"
    """Start, stop and restart what is installed."""
    MANAGE = "manage"
    """Install, update, configure and remove apps."""
    APPS = "apps"
    """Use apps that have no login of their own, behind the node's."""
    EXECUTE = "execute"
    """Run commands inside containers."""
    AUDIT = "audit"
    """Read and check the audit log."""
    ADMINISTER = "administer"
    """Decide who may do what: accounts, tokens, everybody's sessions."""


class Role(StrEnum):
    """What an account is for."""

    OWNER = "owner"
    """Everything."""
    OPERATOR = "operator"
    """Sees the node, and starts, stops and restarts its apps."""
    VIEWER = "viewer"
    """Sees the node."""


ANYBODY = frozenset({Permission.LOGIN})
_VIEWER = ANYBODY | {Permission.DISCOVER, Permission.READ, Permission.ACCOUNT}
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATOR: _VIEWER | {Permission.OPERATE},
    Role.VIEWER: _VIEWER,
}
TOKEN_PERMISSIONS = frozenset(Permission) - {Permission.ACCOUNT, Permission.ADMINISTER}
"""What a token may be allowed: one that is stolen cannot make others, or lock anybody out."""

"""Logins of bitcoind (its option `rpcauth`)."""

import hmac

_SALT_BYTES = 16


def rpcauth_line(user: str, password: str) -> str:
    """Return `user:salt$hash` for bitcoind's `rpcauth` (Bitcoin Core, share/rpcauth): HMAC-SHA256 keyed by the salt.

    The salt is derived from the password instead of drawn, so that a configuration file is the same at each rendering.
    """
    salt = hmac.digest(password.encode(), f"rpcauth {user}".encode(), "sha256")[:_SALT_BYTES].hex()
    digest = hmac.digest(salt.encode(), password.encode(), "sha256").hex()
    return f"{user}:{salt}${digest}"

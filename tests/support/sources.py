"""From where somebody logs in."""

from archipelago.security.login.guessing.attempts import Source

HERE = Source("::1")
SOCKET = Source("unix socket, uid 0", trusted=True)

"""Has daemons of tests that are not about guessing hash passwords and passphrases at once, instead of in 0.2 s each."""

import os

from archipelago.security.keys.node_key import NodeKey, WrapCost
from archipelago.security.login.credentials.passwords import Cost, Passwords

CHEAP = {"ARCHIPELAGO_TEST_CHEAP_PASSWORDS": "1"}
"""Environment of a daemon that does so."""


def make_passwords_cheap() -> None:
    """Have it so where this process is asked to."""
    if CHEAP.keys() <= os.environ.keys():
        Passwords.__init__.__defaults__ = (Cost(time=1, memory=64, threads=1),)
        NodeKey.__init__.__defaults__ = (WrapCost(time=1, memory=64, threads=1),)

"""What the agent says to a request that it does not take."""

import os


class Refused(Exception):
    """A request that this agent does not take."""


def link_refusal(path: str) -> Refused:
    """Return the refusal of a link where a directory should be."""
    return Refused(f"it is a link, which is not followed: mount --bind {os.path.realpath(path)} in its place")

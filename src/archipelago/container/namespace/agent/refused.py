"""What the agent says to a request that it does not take."""


class Refused(Exception):
    """A request that this agent does not take."""

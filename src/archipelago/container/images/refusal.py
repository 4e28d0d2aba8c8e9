"""Why packages cannot be put into an image."""


class PackagesRefused(Exception):
    """What is wrong, and what can be done about it."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint

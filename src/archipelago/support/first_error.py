"""One error instead of a group of them."""


class FirstError:
    """Unwrap the exception group of a task group: one cause is what an owner can act on."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BaseExceptionGroup):
            raise error.exceptions[0] from None

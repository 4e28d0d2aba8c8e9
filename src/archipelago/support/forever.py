"""Work that is done again and again for as long as the node runs, whatever goes wrong with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from archipelago.errors import NodeError


async def repeat_forever(look: Callable[[], Awaitable[None]], every: float, log: Any, trouble: str) -> None:
    """Do something, and again `every` so many seconds after its end; an error is logged as `trouble`.

    A `NodeError` or `OSError` is a warning; anything else is a mistake of ours, which is logged with its traceback.
    """
    while True:
        try:
            await look()
        except (NodeError, OSError) as error:
            log.warning(trouble, error=str(error))
        except Exception:
            log.exception(trouble)
        await asyncio.sleep(every)

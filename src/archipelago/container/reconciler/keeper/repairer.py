"""The part of a keeper that carries out a repair between the end of an app and its next start."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from archipelago.container.data.stream_copies import read_copy
from archipelago.container.namespace.client import Namespace
from archipelago.container.podman_client.labels import REPAIR
from archipelago.container.podman_client.spec import ContainerSpec
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


class Repairer:
    """Keeps at most one order until it is carried out, and answers whoever gave it.

    An order lives as long as the daemon: whoever gave it gives it again where there was no answer.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._order: RepairOrder | None = None
        self._answer: asyncio.Future[None] | None = None
        self._to_start: set[str] = set()
        """Containers whose start with further arguments is still to come."""

    @property
    def waits(self) -> bool:
        """Whether there is an order whose files are not changed yet."""
        return self._order is not None and not self._to_start

    def request(self, order: RepairOrder) -> Awaitable[None]:
        """Take an order, in the place of an earlier one; the answer comes when it is carried out or cannot be."""
        self.give_up(msg("another repair was asked for"))
        self._order = order
        self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    async def change_files(self) -> None:
        """Change the files of the order, while nothing of the app runs. What fails is the answer."""
        order = self._order
        if order is None:
            return
        try:
            for each in order.files:
                if each.suffix is None:
                    await self._namespace.discard(each.path, each.names)
                else:
                    await self._namespace.set_aside(each.path, each.names, each.suffix)
            for one in order.copies:
                for copy in one.copies:
                    content = await asyncio.to_thread(read_copy, copy)
                    await self._namespace.put(one.path, (*one.names, copy.name), content)
        except NodeError as error:
            self._end(error)
            return
        self._to_start = set(order.arguments)
        if not self._to_start:
            self._end(None)

    def once(self, container: str, spec: ContainerSpec) -> ContainerSpec:
        """Return the specification of a container for its next start."""
        if self._order is None or container not in self._to_start:
            return spec
        further = self._order.arguments[container]
        labels = {**spec.labels, REPAIR: self._order.repair}
        return replace(spec, command=(*(spec.command or ()), *further), labels=labels)

    def started(self, container: str) -> None:
        """Note that a container was started."""
        if container in self._to_start:
            self._to_start.discard(container)
            if not self._to_start:
                self._end(None)

    def delayed(self) -> None:
        """Answer whoever waits, since the start with further arguments is not possible now; it is still to come."""
        if self._to_start and self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def give_up(self, why: str) -> None:
        """Answer that an order cannot be carried out."""
        self._end(NodeError(ErrorCode.NOT_RUNNING, why, hint=msg("nothing more of the repair is done; try it again")))

    def _end(self, error: NodeError | None) -> None:
        answer, self._answer, self._order = self._answer, None, None
        self._to_start = set()
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

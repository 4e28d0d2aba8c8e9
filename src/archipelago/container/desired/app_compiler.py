"""Compiles apps one by one. What takes long, or fails, is remembered, so that no other app has to wait for it again."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Site
from archipelago.container.workload.template_context import exports
from archipelago.container.workload.templates.renderer import AppRenderer, Renderer, TemplateError
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError

Result = TypeVar("Result")


@dataclass(slots=True)
class AppCompiler:
    """Compiles for one node. Thread-safe."""

    site: Site
    renderer: Renderer
    _remembered: dict[Hashable, tuple[AppInput, object]] = field(default_factory=dict)
    """What an app was compiled from, and what came of it; of those alone that were slow or failed by themselves."""

    def workload(self, given: AppInput) -> Workload:
        """Return the workload of an app. Raises `NodeError` where it cannot be compiled."""
        return self._once(given.package.manifest.id, given, lambda renderer: compile_app(given, self.site, renderer))

    def exports(self, given: AppInput, interface: str) -> dict[str, str]:
        """Return the further values that an interface of an app gives its consumers. Raises `NodeError`."""
        key = (given.package.manifest.id, interface)
        return self._once(key, given, lambda renderer: exports(given, interface, renderer))

    def _once(self, key: Hashable, given: AppInput, work: Callable[[AppRenderer], Result]) -> Result:
        known = self._remembered.get(key)
        if known is not None and known[0] == given:
            if isinstance(known[1], NodeError):
                raise NodeError(known[1].code, known[1].message, hint=known[1].hint, data=known[1].data)
            return known[1]  # type: ignore[return-value]  # by the key it is of the same kind
        renderer = self.renderer.for_app()
        try:
            result = work(renderer)
        except NodeError as error:
            if isinstance(error, TemplateError) and error.passing:
                self._remembered.pop(key, None)
            else:
                self._remembered[key] = (given, error.with_traceback(None))
            raise
        if renderer.slow:
            self._remembered[key] = (given, result)
        else:
            self._remembered.pop(key, None)
        return result

"""Models are built when they are used first: one that cannot be built is found here, not in the field."""

import importlib
import pkgutil
from collections.abc import Iterator

from pydantic import BaseModel

import archipelago

STARTS_A_PROGRAM = {"__main__", "env"}


def models(kind: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in kind.__subclasses__():
        if model.__module__.startswith("archipelago."):
            yield model
        yield from models(model)


def test_every_model_can_be_built() -> None:
    for module in pkgutil.walk_packages(archipelago.__path__, "archipelago."):
        if module.name.rpartition(".")[2] not in STARTS_A_PROGRAM and not module.name.endswith("agent.program"):
            importlib.import_module(module.name)
    found = set(models())
    assert len(found) > 150
    for model in found:
        model.model_rebuild(raise_errors=True)
        assert model.__pydantic_complete__, model

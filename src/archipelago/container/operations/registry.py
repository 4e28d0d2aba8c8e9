"""The kinds of jobs, found by their modules in `jobs`: a new kind is a new file there."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping

from archipelago.container.operations import jobs
from archipelago.container.operations.job import Job

Kinds = Mapping[str, type[Job]]


def find_kinds() -> Kinds:
    """Return the class of each kind; imports all of them, which an idle node needs none of."""
    modules = [
        importlib.import_module(f"{jobs.__name__}.{found.name}") for found in pkgutil.iter_modules(jobs.__path__)
    ]
    classes = [each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)]
    return {each.kind: each for each in classes if issubclass(each, Job) and not inspect.isabstract(each)}

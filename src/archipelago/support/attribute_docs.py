"""Docstrings of attributes, for the pages and schemas that describe a class.

pydantic can collect them when it makes a model (`use_attribute_docstrings`), but then each start of the node would
parse the source of every model.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

Docs = dict[tuple[str, str], str]
"""Docstring by class and attribute."""


def attribute_docs(module: str) -> Docs:
    """Return the docstring of every attribute of the classes of a loaded module; reads its source."""
    source = Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")
    return {
        (node.name, attribute): text
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        for attribute, text in _of_class(node)
    }


class DescribedJsonSchema(GenerateJsonSchema):
    """A schema generator that describes each field of a model by its docstring, or by that of the model's bases."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._docs: dict[str, Docs] = {}

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """Return the schema of a model."""
        made = super().model_schema(schema)
        for base in schema["cls"].__mro__:
            if base is not BaseModel and issubclass(base, BaseModel):
                self._describe(made.get("properties", {}), base)
        return made

    def _describe(self, properties: dict[str, JsonSchemaValue], model: type[BaseModel]) -> None:
        if model.__module__ not in self._docs:
            self._docs[model.__module__] = attribute_docs(model.__module__)
        docs = self._docs[model.__module__]
        for name, field in properties.items():
            if (text := docs.get((model.__name__, name))) is not None:
                field.setdefault("description", text)


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, follower in zip(node.body, node.body[1:], strict=False):
        match statement, follower:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)

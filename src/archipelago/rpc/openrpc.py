"""The description of the RPC in OpenRPC (spec.open-rpc.org), made from the methods themselves."""

import asyncio
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from archipelago import __version__
from archipelago.rpc.errors import NUMBERS, PROTOCOL_ERRORS
from archipelago.rpc.method import Method
from archipelago.support.attribute_docs import DescribedJsonSchema

_REF = "#/components/schemas/{model}"


class Description:
    """The document of some methods, made the first time that it is asked for, once, and not on the event loop."""

    def __init__(self, methods: Iterable[Method]) -> None:
        self._methods = tuple(methods)
        self._making = asyncio.Lock()
        self._document: dict[str, Any] | None = None
        self._text = b""

    async def document(self) -> dict[str, Any]:
        """Return the document."""
        async with self._making:
            if self._document is None:
                self._document = await asyncio.to_thread(openrpc_document, self._methods)
            return self._document

    async def text(self) -> bytes:
        """Return it as JSON."""
        document = await self.document()
        if not self._text:
            self._text = to_json(document, indent=2)
        return self._text


def openrpc_document(methods: Iterable[Method]) -> dict[str, Any]:
    """Return the document."""
    methods = tuple(methods)
    inputs: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for method in methods:
        inputs.append((method.name, "validation", TypeAdapter(method.params)))
        inputs.append((method.name, "serialization", TypeAdapter(method.result)))
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF, schema_generator=DescribedJsonSchema)
    parts = shared.get("$defs", {})
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "Archipelago",
            "version": __version__,
            "description": "JSON-RPC 2.0 on POST /rpc/v1, for the owner of the node.",
            "license": {"name": "MIT"},
        },
        "servers": [{"name": "this host", "url": "http://127.0.0.1:8480/rpc/v1"}],
        "methods": [
            _method(
                method,
                _resolved(schemas[method.name, "validation"], parts),
                schemas[method.name, "serialization"],
            )
            for method in methods
        ],
        "components": {"schemas": parts, "errors": _errors()},
    }


def _method(method: Method, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    required = params.get("required", ())
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {
                "name": name,
                **({"summary": schema["description"]} if "description" in schema else {}),
                "required": name in required,
                "schema": schema,
            }
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": "result", "schema": result},
        "x-permission": method.permission.value,
        "x-mutates": method.mutates,
        "x-confirms": bool(method.confirms),
    }


def _errors() -> dict[str, Any]:
    protocol = {name: {"code": code, "message": meaning} for code, (name, meaning) in PROTOCOL_ERRORS.items()}
    node = {code.value: {"code": number, "message": code.value} for code, number in NUMBERS.items()}
    return {**node, **protocol}


def _resolved(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return dict(parts[reference.rsplit("/", 1)[1]]) if isinstance(reference, str) else schema

"""The description of the RPC in OpenRPC (spec.open-rpc.org), made from the methods themselves."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from archipelago import __version__
from archipelago.rpc.errors import NUMBERS, PROTOCOL_ERRORS
from archipelago.rpc.method import AnyMethod

_REF = "#/components/schemas/{model}"


def openrpc_document(methods: Iterable[AnyMethod]) -> dict[str, Any]:
    """Return the document."""
    methods = tuple(methods)
    inputs: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for method in methods:
        inputs.append((method.name, "validation", TypeAdapter(method.params)))
        inputs.append((method.name, "serialization", TypeAdapter(method.result)))
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
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


def _method(method: AnyMethod, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
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

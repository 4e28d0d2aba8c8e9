"""The reference of the RPC."""

from archipelago.docgen.rpc_reference import render


def test_a_field_of_several_models_names_each() -> None:
    target = {"oneOf": [{"$ref": "#/components/schemas/Mail"}, {"$ref": "#/components/schemas/Hook"}]}
    schemas = {"Channel": {"properties": {"target": target}, "required": ["target"]}}
    page = render({"methods": [], "components": {"schemas": schemas}})
    assert "| `target` | [Mail](#mail) or [Hook](#hook) | *required* |" in page

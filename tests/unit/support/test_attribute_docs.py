"""Docstrings of attributes, in the JSON Schema of a model."""

from pydantic import BaseModel, Field

from archipelago.support.attribute_docs import DescribedJsonSchema, attribute_docs


class Ship(BaseModel):
    name: str
    """As it is
    painted on it."""
    masts: int = Field(description="None on a steamer.")
    """Never shown."""
    crew: int


class Fleet(BaseModel):
    """Ships that sail together."""

    flagship: Ship
    """Where the admiral is."""


class Convoy(Fleet):
    name: str
    """In the orders."""


def test_the_docstrings_of_a_module_are_found_by_class_and_attribute() -> None:
    docs = attribute_docs(__name__)
    assert docs["Ship", "name"] == "As it is\npainted on it."
    assert ("Ship", "crew") not in docs


def test_a_field_is_described_by_the_docstring_of_the_class_that_declares_it() -> None:
    schema = Convoy.model_json_schema(schema_generator=DescribedJsonSchema)
    assert schema["properties"] == {
        "flagship": {"$ref": "#/$defs/Ship", "description": "Where the admiral is."},
        "name": {"title": "Name", "type": "string", "description": "In the orders."},
    }
    ship = schema["$defs"]["Ship"]["properties"]
    assert ship["name"]["description"] == "As it is\npainted on it."
    assert ship["masts"]["description"] == "None on a steamer."
    assert "description" not in ship["crew"]

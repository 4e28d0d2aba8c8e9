"""Views of values that were checked before: the same as those that check them again."""

import pickle

import pytest
from pydantic import ValidationError

from archipelago.chains.chain import InterfaceRole
from archipelago.container.dependency_resolver.asks import AskedEndpoint, Fetch, FetchKind
from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.manifest.model.endpoints import Access, EndpointKind, Protocol
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.support.view import View, unchecked

MADE: tuple[tuple[View, View], ...] = tuple(
    (kind(**values), unchecked(kind)(**values))  # type: ignore[operator]
    for kind, values in (
        (Edge, {"consumer": "a", "interface": "i", "provider": "b", "wait": Wait.SERVING}),
        (Edge, {"role": InterfaceRole.FULL, "consumer": "a", "interface": "i", "provider": "b", "wait": Wait.STARTED}),
        (Fetch, {"app": "a", "container": "main", "kind": FetchKind.BUILD, "source": ""}),
        (
            AskedEndpoint,
            {
                "app": "a",
                "endpoint": "web",
                "kind": EndpointKind.UI,
                "protocol": Protocol.HTTP,
                "port": 80,
                "access": (Access.LAN,),
            },
        ),
    )
)


@pytest.mark.parametrize(("checked", "made"), MADE)
def test_it_is_the_same_as_one_that_is_checked(checked: View, made: View) -> None:
    assert made == checked and hash(made) == hash(checked)
    assert made.model_dump_json() == checked.model_dump_json()
    assert made.model_dump(exclude_unset=True) == checked.model_dump(exclude_unset=True)
    assert made.model_copy() == pickle.loads(pickle.dumps(made)) == checked
    with pytest.raises(ValidationError, match="frozen"):
        made.app = "other"  # type: ignore[attr-defined]


def test_a_plan_takes_it() -> None:
    edge = unchecked(Edge)(consumer="a", interface="i", provider="b", wait=Wait.HEALTHY)
    plan = Plan(edges=(edge,))
    assert plan.edges[0] is edge
    assert Plan.model_validate_json(plan.model_dump_json()) == plan

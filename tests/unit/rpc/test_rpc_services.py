"""A family of methods and the service that does its work: what it takes to add one, and what is found missing."""

import json
from typing import Any, Protocol

import pytest

from archipelago.api.services.apps import AppDataService
from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Method, NoParams, Params
from archipelago.rpc.methods.apps import data
from archipelago.rpc.methods.table import all_methods, locked_methods
from archipelago.rpc.openrpc import openrpc_document
from archipelago.rpc.protocol import Dispatcher
from archipelago.rpc.refusals import Refusals
from archipelago.security.audit.chain import Outcome
from archipelago.security.keys.locked import node_is_locked
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission
from support.memory_node import MemoryNode
from support.memory_services.data import MemoryData
from support.memory_services.security import MemoryAudit, memory_login

OWNER = Caller("owner", frozenset(Permission), "unix socket, uid 0", trusted=True)


class GreetingService(Protocol):
    """Greets."""

    async def greet(self, name: str) -> str: ...


class English:
    """Greets in English."""

    async def greet(self, name: str) -> str:
        return f"Hello, {name}"


class GreetParams(Params):
    """Who is greeted."""

    name: str
    """A name."""


family = Family()


@family.method("greet", "Greet somebody", permission=Permission.OPERATE, mutates=True)
async def _greet(greetings: GreetingService, params: GreetParams, caller: Caller) -> str:
    return f"{await greetings.greet(params.name)}, says {caller.name}"


def services() -> Services:
    """Return what every family needs: who is logged in, and what is written down."""
    return Services().provide(Login, memory_login()).provide(AuditService, MemoryAudit())


async def ask(found: Services, methods: tuple[Method, ...], method: str, **params: object) -> Any:
    """Return the answer of some methods to the owner."""
    dispatcher = Dispatcher(found, methods, Refusals(found.of(AuditService).record))
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    return json.loads(await dispatcher.answer(body, OWNER) or b"")


async def test_a_method_is_a_decorated_function_and_a_service() -> None:
    found = services().provide(GreetingService, English())
    answer = await ask(found, family.methods, "greet", name="Satoshi")
    assert answer["result"] == "Hello, Satoshi, says owner"
    audit = found.of(AuditService)
    assert [(each.action, each.outcome) for each in await audit.newest(9)] == [
        ("greet", Outcome.BEGUN),
        ("greet", Outcome.DONE),
    ]
    (described,) = openrpc_document(family.methods)["methods"]
    assert described["params"][0] == {
        "name": "name",
        "summary": "A name.",
        "required": True,
        "schema": {"type": "string", "title": "Name", "description": "A name."},
    }
    assert described["result"]["schema"] == {"type": "string"}
    assert (described["summary"], described["x-permission"], described["x-mutates"]) == (
        "Greet somebody",
        "operate",
        True,
    )


async def test_a_test_of_one_family_makes_one_service() -> None:
    found = services().provide(AppDataService, MemoryData())
    assert (await ask(found, data.family.methods, "data-list"))["result"] == []


async def test_a_late_service_is_there_at_the_start_and_made_with_the_first_call() -> None:
    made: list[English] = []

    def make() -> English:
        made.append(English())
        return made[-1]

    found = services().provide_late(GreetingService, make)
    Dispatcher(found, family.methods, Refusals(found.of(AuditService).record))
    assert made == []
    for _ in range(2):
        assert (await ask(found, family.methods, "greet", name="Satoshi"))["result"] == "Hello, Satoshi, says owner"
    assert len(made) == 1


def test_a_method_without_its_service_is_found_at_the_start() -> None:
    with pytest.raises(LookupError, match="nobody provides GreetingService, which greet needs"):
        Dispatcher(services(), family.methods, Refusals(MemoryAudit().record))


def test_the_node_in_memory_has_a_service_for_every_method() -> None:
    found = MemoryNode().services
    assert {kind for method in all_methods() for kind in method.handler.services if kind not in found} == set()


async def test_a_locked_node_refuses_what_it_has_no_service_for() -> None:
    found = Services(missing=node_is_locked)
    with pytest.raises(NodeError) as caught:
        found.of(AppDataService)
    assert caught.value.code is ErrorCode.LOCKED
    unlocking = ("key-status", "key-unlock", "key-restore")
    assert all(not method.handler.services or method.name in unlocking for method in locked_methods())


def test_a_handler_without_parameters_takes_none() -> None:
    (method,) = (each for each in all_methods() if each.name == "container-list")
    assert method.params is NoParams

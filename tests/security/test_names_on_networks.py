"""An app answers to the names of the interfaces that a consumer uses of it, and to no other name of that consumer's."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A consumer whose `words` come from `honest`, and `other` from `thief`, who offers `words` too."""
    remove_leftovers()
    apps = tmp_path_factory.mktemp("catalog")
    for app, second in (("honest", "more"), ("thief", "other")):
        offered = ", ".join(f"{name}: {{container: main, port: 8000}}" for name in ("words", second))
        write_app(apps, app, more=f"provides: {{{offered}}}")
    write_app(apps, "consumer", more="requires: {words: {}, other: {}}")
    async with running_node("wires", apps=apps) as running:
        await running.install("consumer", choices={"words": "honest", "other": "thief"})
        yield running


async def answering(node: TestNode, app: str, name: str) -> set[str]:
    """Return who answers an app at a name, however often it asks."""
    request = "busybox printf 'GET /etc/hostname HTTP/1.0\\r\\n\\r\\n'"
    fetch = f"{request} | busybox nc -w 3 {name} 8000 | busybox tail -n 1; echo"
    script = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do {fetch}; done"
    names = (await node.execute(app, "busybox", "sh", "-c", script)).split()
    return {name.removesuffix("--main") for name in names}


async def test_nobody_answers_to_the_name_of_what_another_app_provides(node: TestNode) -> None:
    assert await answering(node, "consumer", "words") == {"honest"}
    assert await answering(node, "consumer", "other") == {"thief"}
    looked_up = await node.execute("consumer", "busybox", "sh", "-c", "busybox nslookup -type=a words; true")
    assert len(set(re.findall(r"Address: (10\.\S+)", looked_up))) == 1, looked_up


async def test_an_app_that_is_called_like_an_interface_has_no_say_in_it(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "words", more="provides: {third: {container: main, port: 8000}}")
    write_app(node.apps, "reader", more="requires: {words: {}, third: {}}")
    await node.install("reader", choices={"words": "honest", "third": "words"})
    assert await answering(node, "reader", "words") == {"honest"}


async def test_what_a_consumer_uses_in_addition_has_its_name_and_restarts_nobody(node: TestNode) -> None:
    assert node.apps is not None
    before = (await node.call("container-status", app="honest"))["containers"][0]["started_at"]
    more = "requires: {words: {}, other: {}, more: {}}"
    write_app(node.apps, "consumer", more=more, version="2.0")
    await node.done(await node.call("container-update", app="consumer"))
    for name, who in (("words", "honest"), ("more", "honest"), ("other", "thief")):
        assert await answering(node, "consumer", name) == {who}
    assert (await node.call("container-status", app="honest"))["containers"][0]["started_at"] == before

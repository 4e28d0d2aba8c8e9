"""Containers of one app reach each other by their names, also where one is called like the app itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

_CONTAINER = """
  {name}:
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: [/usr/bin/busybox]
    command: [sh, -c, "echo {name} > /tmp/name && exec busybox httpd -f -p 8000 -h /tmp"]
    tmpfs: [{{path: /tmp}}]
    health: {{probe: {{type: tcp, port: 8000}}, interval: 1s, start_timeout: 100s}}"""
_BLOG = """manifest: 1
id: blog
name: Blog
version: "1.0"
summary: A test
description: A test
category: other
license: MIT
containers:""" + "".join(_CONTAINER.format(name=name) for name in ("blog", "db"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the usual shape of a Compose file: `blog` and `db` in an app called `blog`."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    (catalog / "blog").mkdir()
    (catalog / "blog" / "manifest.yml").write_text(_BLOG)
    async with running_node("container-names", apps=catalog) as running:
        await running.install("blog")
        yield running


@pytest.mark.parametrize("asker", ["blog", "db"])
async def test_each_name_is_that_of_one_container(node: TestNode, asker: str) -> None:
    for name in ("blog", "db"):
        command = ["busybox", "wget", "-q", "-O", "-", f"http://{name}:8000/name"]
        answer = await node.call("container-exec", app="blog", container=asker, command=command)
        assert (answer["exit_code"], answer["stdout"].strip()) == (0, name), answer

"""Prometheus as an owner uses it: it measures, answers a query, draws, and remembers over a restart."""

import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from support.app_visit import AppVisit, visiting
from support.harness import TestNode
from support.used_apps import node_with, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
USED = {"prometheus": "answers a query about what it has measured, behind the node's login, also of before a restart"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    async with node_with("prometheus", interval=1) as running:
        yield running


async def site(node: TestNode) -> str:
    status = await node.call("container-status", app="prometheus")
    (page,) = status["endpoints"]
    assert page["behind_login"]
    return str(page["site"])


async def query(visit: AppVisit, words: str, **more: float) -> list[dict[str, Any]]:
    """Return what a query comes to."""
    kind = "query_range" if more else "query"
    given = "".join(f"&{name}={value}" for name, value in more.items())
    status, _, body = await visit.get(f"/api/v1/{kind}?query={quote(words)}{given}", Accept="application/json")
    assert status == 200, body
    return list(json.loads(body)["data"]["result"])


async def test_a_query_is_answered_with_what_was_measured(node: TestNode) -> None:
    async with visiting(node, await site(node)) as owner:
        (up,) = await query(owner, "up")
        assert (up["metric"]["job"], up["value"][1]) == ("prometheus", "1")
        (memory,) = await query(owner, "process_resident_memory_bytes")
        assert 1 << 24 < float(memory["value"][1]) < 1 << 29
        before = float((await query(owner, "prometheus_http_requests_total{handler='/api/v1/query'}"))[0]["value"][1])
        for _ in range(200):
            (found,) = await query(owner, "prometheus_http_requests_total{handler='/api/v1/query'}")
            if float(found["value"][1]) > before:
                break
        assert float(found["value"][1]) > before, "it measures again and again"


async def test_its_page_draws(node: TestNode) -> None:
    async with visiting(node, await site(node)) as owner:
        status, _, page = await owner.get("/classic/graph")
        assert status == 200
        for part in set(_scripts(page.decode())):
            assert (await owner.get(part))[0] == 200, part


def _scripts(page: str) -> list[str]:
    found = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"?]+)', page)
    assert len(found) > 5
    return ["/" + path.lstrip("./") for path in found]


async def test_it_remembers_over_a_restart(node: TestNode) -> None:
    begun = time.time()
    async with visiting(node, await site(node)) as owner:
        while not (found := await query(owner, f"up and timestamp(up) > {begun}")):
            pass
        measured = float(found[0]["value"][0])
    await restart(node, "prometheus")
    async with visiting(node, await site(node)) as owner:
        (series,) = await query(owner, "up", start=begun, end=measured, step=1)
    assert series["values"][-1][1] == "1"


async def test_it_asks_what_its_owner_names(node: TestNode) -> None:
    # Both are itself; what an owner names is at other addresses of his network.
    targets = ("127.0.0.1:9090", "localhost:9090")
    await node.done(await node.call("container-config", app="prometheus", options={"targets": " ".join(targets)}))
    await node.until("prometheus", "healthy")
    async with visiting(node, await site(node)) as owner:
        while len(found := await query(owner, "up{job='targets'} == 1")) < len(targets):
            pass
    assert sorted(each["metric"]["instance"] for each in found) == [*targets]

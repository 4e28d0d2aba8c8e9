"""SearXNG as its owner uses it: its page, a search, and a search that goes nowhere but to Tor."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.app_visit import visiting
from support.harness import ROOT, TestNode, copy_apps, remove_leftovers, running_node
from support.tiny_apps import ALIVE, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]
USED = {
    "searxng": "a search finds what an engine has, behind the node's login, and through Tor nothing goes another way"
}

ENGINE = """
engines:
  - name: shelf
    engine: json_engine
    shortcut: shelf
    categories: general
    enable_http: true
    timeout: 20.0
    search_url: http://shelf:8000/search?q={query}
    results_query: results
    url_query: url
    title_query: title
    content_query: text
"""
RESULT = {"url": "https://harbour.example/tide", "title": "Tide tables", "text": "High water at <b>noon</b>"}


def with_an_engine(apps: Path) -> None:
    """Have SearXNG know an engine of the test's own, the app `shelf`, which finds the same whatever is asked."""
    result = ", ".join(f'"{name}": "{text}"' for name, text in RESULT.items())
    files = "files: [{path: /srv/search, template: search.j2}]"
    provides = "provides: {shelf: {container: main, port: 8000}}"
    command = '[httpd, -f, -vv, -p, "8000", -h, /srv]'
    write_app(apps, "shelf", command=command, health=f"{ALIVE}\n    {files}", more=provides)
    (apps / "shelf/search.j2").write_text(f'{{"results": [{{{result}}}]}}')
    manifest, settings = apps / "searxng/manifest.yml", apps / "searxng/files/settings.yml.j2"
    manifest.write_text(manifest.read_text() + "\nrequires: {shelf: {wait: started}}\n")
    settings.write_text(settings.read_text() + ENGINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with SearXNG and an engine."""
    remove_leftovers()
    apps = copy_apps(ROOT / "searxng.apps")
    with_an_engine(apps)
    async with running_node("searxng", apps=apps) as running:
        await running.install("shelf")
        await running.install("searxng")
        await running.until("searxng", "healthy")
        yield running


async def site(node: TestNode) -> str:
    status = await node.until("searxng", "healthy")
    (page,) = status["endpoints"]
    assert page["behind_login"]
    return str(page["site"])


async def asked(node: TestNode) -> int:
    """Return how often the engine was asked."""
    lines = await node.call("container-logs", app="shelf", tail=1000)
    return sum("GET /search" in line["text"] or "url:/search" in line["text"] for line in lines)


async def test_a_search_gives_what_the_engine_finds_on_a_page_behind_the_nodes_login(node: TestNode) -> None:
    async with visiting(node, await site(node)) as owner:
        code, _, body = await owner.get("/")
        assert code == 200 and b'<form id="search"' in body
        before = await asked(node)
        code, _, body = await owner.get("/search?q=%21shelf+high+water")
        page = body.decode()
        assert code == 200 and RESULT["url"] in page and "Tide tables" in page, page
        assert "<b>noon" not in page
        assert await asked(node) == before + 1
        code, answer, _ = await owner.get("/static/themes/simple/sxng-ltr.min.css")
        assert code == 200 and "css" in answer.headers["Content-Type"]


async def test_its_key_is_made_by_the_node_and_its_options_are_in_force(node: TestNode) -> None:
    # What a command prints has no secrets of the node in it.
    script = "import hashlib, re; said = open('/etc/searxng/settings.yml').read(); print(said); "
    script += "print(hashlib.sha256(re.search('secret_key: \"(.*)\"', said)[1].encode()).hexdigest())"
    settings = await node.execute("searxng", "python3", "-c", script)
    key = await node.call("secret-show", app="searxng", name="secret_key")
    assert len(key) == 64 and hashlib.sha256(key.encode()).hexdigest() in settings
    assert "safe_search: 1" in settings and 'autocomplete: ""' in settings and "proxies" not in settings
    await node.done(await node.call("container-config", app="searxng", options={"safe_search": "strict"}))
    await node.until("searxng", "healthy")
    said = await node.execute("searxng", "/usr/local/bin/health")
    assert "search engines" in said


async def test_through_tor_nothing_goes_another_way(node: TestNode) -> None:
    before = await asked(node)
    await node.done(await node.call("container-config", app="searxng", options={"reach": "tor"}))
    async with visiting(node, await site(node)) as owner:
        code, _, body = await owner.get("/search?q=%21shelf+high+water")
        assert code == 200 and RESULT["url"].encode() not in body
    assert await asked(node) == before, "the engine is reached without Tor, and was not asked"
    assert "tor" in {each["app"] for each in await node.call("container-list")}

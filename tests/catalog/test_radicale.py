"""Radicale as a calendar program uses it: an event is stored, found by its time, and still there after a restart."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode
from support.used_apps import calling, login, node_with, password, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
USED = {"radicale": "an event is stored over CalDAV, found by its time and read back, also after a restart"}

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//archipelago//tests//EN
BEGIN:VEVENT
UID:harvest@archipelago
DTSTAMP:20261201T000000Z
DTSTART:20261224T180000Z
DTEND:20261224T200000Z
SUMMARY:Dinner at home
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
QUERY = """<?xml version="1.0"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/>
</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"""
AUTHORITIES = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    async with node_with("radicale") as running:
        yield running


async def ask(node: TestNode, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    async with calling(node, "radicale", "page") as program:
        return await program.ask(method, path, body, **headers)


async def events(node: TestNode, start: str, end: str, **headers: str) -> str:
    """Return what is on between two times."""
    status, found = await ask(node, "REPORT", "/owner/home/", QUERY.format(start=start, end=end), Depth="1", **headers)
    assert status == 207, found
    return found


async def test_an_event_is_stored_and_found_by_its_time_and_stays(node: TestNode) -> None:
    owner = login(await password(node, "radicale"))
    assert (await ask(node, "MKCALENDAR", "/owner/home/", **owner))[0] == 201
    stored = await ask(node, "PUT", "/owner/home/dinner.ics", EVENT, Content_Type="text/calendar", **owner)
    assert stored[0] == 201, stored
    await restart(node, "radicale")
    on_that_day = await events(node, "20261224T000000Z", "20261225T000000Z", **owner)
    assert "SUMMARY:Dinner at home" in on_that_day
    assert "Dinner" not in await events(node, "20261225T000000Z", "20261226T000000Z", **owner)
    assert "UID:harvest@archipelago" in (await ask(node, "GET", "/owner/home/dinner.ics", **owner))[1]


async def test_nobody_gets_in_without_the_password_that_the_node_made(node: TestNode) -> None:
    for headers in ({}, login("wrong"), login(await password(node, "radicale"), user="stranger")):
        assert (await ask(node, "PROPFIND", "/owner/", **headers))[0] == 401
        assert (await ask(node, "PUT", "/owner/home/forged.ics", EVENT, **headers))[0] == 401
    status, page = await ask(node, "GET", "/.web/")
    assert status == 200 and "Radicale" in page


async def test_its_image_knows_the_authorities_that_vouch_for_sites(node: TestNode) -> None:
    assert int(await node.execute("radicale", "/usr/bin/python3", "-c", AUTHORITIES)) > 50

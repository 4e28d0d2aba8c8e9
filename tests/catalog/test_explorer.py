"""The explorer as its owner uses it: a payment that waits, is in a block, and is found by all that it has."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from explorer.words import size
from support.app_visit import AppVisit, visiting
from support.harness import TestNode, remove_leftovers
from support.mesh import KNOTS, cli

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]
USED = {
    "explorer": (
        "a payment is found in the mempool, then by its block, and with ElectrumX by its id and its address; its login "
        "at Bitcoin Knots may look and nothing else"
    )
}

EXPLORER = "explorer"
NOTE = "<b>hello</b> & good bye"
_CALL = (
    "import json, sys; from explorer.doors import NodeDoor;"
    "node = NodeDoor(**json.load(open('/etc/explorer/settings.json'))['node']).open()\n"
    "for line in sys.argv[1:]:\n"
    "    method, *parameters = json.loads(line)\n"
    "    try: print('allowed', node.call(method, *parameters))\n"
    "    except Exception as error: print('refused', error)"
)
"""Calls of bitcoind from within the explorer, with its own login."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoind on regtest and the explorer; its wallet has coins."""
    remove_leftovers()
    found = TestNode("explorer")
    try:
        await found.start()
        await found.install(KNOTS, options={"network": "regtest"})
        await found.install(EXPLORER)
        await cli(found, "-named", "createwallet", "wallet_name=owner", "load_on_startup=true")
        await cli(found, "generatetoaddress", "110", await cli(found, "getnewaddress"))
        yield found
    finally:
        await found.destroy()


@pytest_asyncio.fixture(loop_scope="module")
async def owner(node: TestNode) -> AsyncIterator[AppVisit]:
    """The owner's browser at the explorer."""
    status = await node.until(EXPLORER, "healthy")
    (page,) = status["endpoints"]
    assert page["behind_login"]
    async with visiting(node, page["site"]) as visit:
        yield visit


async def opened(owner: AppVisit, path: str, code: int = 200) -> str:
    """Open a page, and follow where a search leads; return its text."""
    status, answer, body = await owner.get(path)
    if status == 303:
        status, answer, body = await owner.get(answer.headers["Location"])
    assert status == code, (status, body)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return body.decode()


async def sent(node: TestNode) -> tuple[str, str]:
    """Pay to a new address, with a note in the transaction; return its id and the address."""
    address = await cli(node, "getnewaddress")
    outputs = json.dumps([{address: 1.25}, {"data": NOTE.encode().hex()}])
    made = json.loads(await cli(node, "send", outputs))
    return made["txid"], address


def amounts(page: str) -> list[Decimal]:
    """Return the amounts on a page, in bitcoin."""
    found = re.findall(r'class="amount">([+\N{MINUS SIGN}]?)([\d,.\N{NARROW NO-BREAK SPACE}]+)<', page)
    return [Decimal(f"{sign.strip('+') and '-'}{re.sub('[^0-9.]', '', text)}") for sign, text in found]


async def test_a_payment_waits_in_the_mempool_and_is_found_by_all_that_it_has(node: TestNode, owner: AppVisit) -> None:
    txid, address = await sent(node)
    assert txid in await opened(owner, "/mempool")
    page = await opened(owner, f"/search?q={txid}")
    fee = json.loads(await cli(node, "getmempoolentry", txid))["fees"]["base"]
    assert "waits for a block" in page and Decimal("1.25") in amounts(page)
    assert f"{round(Decimal(str(fee)) * 10**8):,} <small>sat</small>" in page
    assert "&lt;b&gt;hello&lt;/b&gt; &amp; good bye" in page and "<b>hello" not in page
    inputs = page.partition(" input")[2].partition(" output")[0]
    assert sum(amounts(inputs)) == sum(amounts(page.partition("</ol>")[2])) + Decimal(str(fee))

    await cli(node, "generatetoaddress", "1", await cli(node, "getnewaddress"))
    block = await cli(node, "getbestblockhash")
    assert txid not in await opened(owner, "/mempool")
    for search in (block, "111"):
        page = await opened(owner, f"/search?q={search}")
        assert block in page and txid in page and "Block 111" in page
        assert size(json.loads(await cli(node, "getblock", block))["size"]) in page
    page = await opened(owner, f"/tx/{txid}?block={block}")
    assert "1 confirmation<" in page and f'href="/block/{block}"' in page and f"/address/{address}" in page
    assert f'href="/block/{block}">111<' in await opened(owner, "/")
    page = await opened(owner, f"/search?q={txid}", 404)
    assert "Index all transactions" in page, "bitcoind has no index, and the page says what that means"
    page = await opened(owner, f"/search?q=bitcoin:{address}")
    assert address in page and "install one, such as ElectrumX" in page


async def test_the_chain_is_shown_to_its_first_block_and_nonsense_is_told(node: TestNode, owner: AppVisit) -> None:
    page = await opened(owner, "/?from=4")
    assert page.count("<tr>") == 6 and "Older" not in page
    assert "Block 0" in await opened(owner, "/block/0")
    assert "There is no block 999999 yet" in await opened(owner, "/search?q=999999", 404)
    assert "no address of this network" in await opened(owner, "/address/1BoatSLRHtKNngkdXEeobR76b53LETtpyT", 404)
    assert "sat/vB" in await opened(owner, "/fees")
    assert "knows no block" in await opened(owner, f"/block/{'00' * 32}", 404)


async def test_its_login_may_look_and_nothing_else(node: TestNode) -> None:
    calls = [["getblockcount"], ["sendrawtransaction", "00"], ["listwallets"], ["stop"], ["getblockhash", 1]]
    said = await node.execute(EXPLORER, "python3", "-c", _CALL, *(json.dumps(each) for each in calls))
    words = [line.split(" ", 1) for line in said.splitlines()]
    assert [word for word, _ in words] == ["refused"] * 4 + ["allowed"]
    assert all("403" in why for word, why in words if word == "refused")
    plan = await node.call("plan", app=EXPLORER)
    assert "only to look at the chain" in str(plan)


async def test_with_an_electrum_server_an_address_has_a_balance_and_a_transaction_is_found_by_its_id(
    node: TestNode,
) -> None:
    txid, address = await sent(node)
    await node.install("electrumx")
    await node.until("electrumx", "healthy")
    status = await node.until(EXPLORER, "healthy")
    async with visiting(node, status["endpoints"][0]["site"]) as owner:
        page = await opened(owner, f"/address/{address}")
        assert txid in page and "waits" in page
        assert amounts(page) == [Decimal(0), Decimal("1.25"), Decimal("1.25")]
        await cli(node, "generatetoaddress", "1", await cli(node, "getnewaddress"))
        async with asyncio.timeout(
            60
        ):  # ElectrumX looks for new blocks every few seconds, and tells a stranger nothing
            while amounts(page) != [Decimal("1.25"), Decimal(0), Decimal("1.25")]:
                page = await opened(owner, f"/search?q={address}")
        assert "1 confirmation" in await opened(owner, f"/search?q={txid}")


async def test_while_bitcoind_is_down_the_page_says_so_and_it_comes_back(node: TestNode) -> None:
    status = await node.until(EXPLORER, "healthy")
    async with visiting(node, status["endpoints"][0]["site"]) as owner:
        await node.execute(KNOTS, "bitcoin-cli", "-regtest", "stop")
        async with asyncio.timeout(300):
            while (code := (await owner.get("/"))[0]) != 503:
                assert code == 200
            while (await owner.get("/"))[0] != 200:
                pass

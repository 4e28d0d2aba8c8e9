"""Guessers on the owner's address and on others, over real HTTP: they wait, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from archipelago.rpc.access import CONFIRMATION, DEVICE
from support.harness import START_TIMEOUT, RpcError, TestNode, remove_leftovers, running_node
from support.soft_passkey import Device
from support.visitors import PASSWORD, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PASSPHRASE = "a passphrase of many words"
LONG_ENOUGH = 2.0
"""Seconds that a wait still has to go on, so that it is not over before the next call comes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without apps, which has an owner."""
    remove_leftovers()
    async with running_node("guessers", apps=tmp_path_factory.mktemp("catalog")) as running:
        await running.call("password-set", user="owner", password=PASSWORD)
        await running.call("user-add", user="eve", role="viewer", password=PASSWORD)
        yield running


async def guess(visitor: Visitor, times: int, user: str = "owner") -> list[str]:
    """Guess wrong; return what the node says."""
    return [await visitor.ask("login", user=user, password="guess guess guess") for _ in range(times)]


async def guess_until_held_up(visitor: Visitor, method: str, **wrong: str) -> list[str]:
    """Guess wrong until a guess has to wait; on a busy machine the first waits are over before the next guess comes."""
    said = [""]
    while said[-1] != "too-many":
        assert len(said) < 20, said
        said.append(await visitor.ask(method, **wrong))
    return said[1:]


async def seconds_held_up(visitor: Visitor, method: str, **wrong: str) -> float:
    """Guess wrong; return for how long the node has the guesser wait, 0 where it took the guess."""
    answer = await visitor.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": wrong})
    data = answer["error"]["data"]
    assert data["name"] in ("wrong-credentials", "too-many"), answer
    return float(data["retry_after"]) if data["name"] == "too-many" else 0.0


async def test_guesses_at_the_owners_address_wait_and_the_owner_who_was_here_does_not(node: TestNode) -> None:
    async with Visitor(node) as owner, Visitor(node) as away, Visitor(node) as guesser:
        assert isinstance(await owner.enter(), dict) and isinstance(await away.enter(), dict)
        away.leave()
        wrong = {"user": "owner", "password": "guess guess guess"}
        assert (await guess_until_held_up(guesser, "login", **wrong))[:4] == ["wrong-credentials"] * 4
        # Each wait is twice as long as the one before.
        while (wait := await seconds_held_up(guesser, "login", **wrong)) < LONG_ENOUGH:
            await asyncio.sleep(wait)  # it is the node that says for how long
        assert await guesser.enter() == "too-many", "a stranger at that address waits, even with the right password"
        # Logged in: the right password counts.
        assert isinstance(await owner.confirm(), dict)
        assert await owner.ask("password-set", password=PASSWORD) is None
        # On a device that logged in before.
        assert isinstance(await away.enter(), dict)
        # On the node itself.
        await node.call("password-set", user="owner", password=PASSWORD)


async def test_guesses_from_twenty_addresses_hold_up_nobody_elsewhere(node: TestNode) -> None:
    guessers = [Visitor(node, f"127.0.1.{number}") for number in range(1, 21)]
    async with Visitor(node, "127.0.2.1") as owner, Visitor(node, "127.0.2.2") as new:
        assert isinstance(await owner.enter(), dict)
        owner.leave()
        guesses = asyncio.gather(*(guess(each, 2) for each in guessers))
        async with asyncio.timeout(60):
            assert isinstance(await owner.enter(), dict), "who was here does not queue behind the guesses"
        assert not guesses.done()
        assert {one for each in await guesses for one in each} == {"wrong-credentials"}
        async with asyncio.timeout(60):
            assert isinstance(await new.enter(), dict), "from an address without guesses, on a new device"
    for each in guessers:
        await each.close()


async def test_a_mark_opens_nothing_and_is_a_lane_for_its_own_account_alone(node: TestNode) -> None:
    async with (
        Visitor(node, "127.0.3.1") as eve,
        Visitor(node, "127.0.3.2") as thief,
        Visitor(node, "127.0.3.3") as elsewhere,
    ):
        assert isinstance(await eve.enter("eve"), dict)
        mark = eve.headers[DEVICE]
        eve.leave()
        assert await eve.ask("container-list") == "login-needed"
        # Eve guesses the owner's password: her mark is no lane for that, and her own logins buy no new guesses.
        said = []
        for _ in range(9):
            said += await guess(eve, 1)
            assert isinstance(await eve.enter("eve"), dict)
            eve.leave()
        assert "too-many" in said
        # Whoever steals a mark waits for his own guesses, and whose it is does not.
        thief.headers[DEVICE] = mark
        await guess_until_held_up(thief, "login", user="eve", password="guess guess guess")
        assert isinstance(await elsewhere.enter("eve"), dict)
        elsewhere.leave()
        elsewhere.headers[DEVICE] = mark
        assert isinstance(await elsewhere.enter("eve"), dict)
        # Forged marks are none.
        other = "A" if mark[-1] != "A" else "B"
        for forged in (mark[:-1] + other, mark.replace("eve", "owner"), "x" * 5000, "é", "...", ""):
            thief.headers[DEVICE] = forged
            assert (await thief.ask("login-status"))["user"] is None
        # A mark stays with a new password, unless its owner says otherwise.
        await node.call("password-set", user="eve", password=PASSWORD)
        elsewhere.leave()
        assert isinstance(await elsewhere.enter("eve"), dict) and elsewhere.headers[DEVICE] == mark
        await node.call("password-set", user="eve", password=PASSWORD, passkeys="remove")
        elsewhere.leave()
        assert isinstance(await elsewhere.enter("eve"), dict) and elsewhere.headers[DEVICE] != mark


async def test_a_stolen_session_guesses_no_more_than_a_stranger_and_holds_up_itself_alone(node: TestNode) -> None:
    async with Visitor(node, "127.0.4.1") as owner, Visitor(node, "127.0.4.2") as other:
        await owner.enter()
        await other.enter()
        said = await guess_until_held_up(owner, "login-confirm", password="guess guess guess")
        assert said[:4] == ["wrong-credentials"] * 4
        assert isinstance(await other.confirm(), dict)
        owner.leave()
        assert isinstance(await owner.enter(), dict)


async def test_anonymous_challenges_evict_nobodys(node: TestNode) -> None:
    site, device = f"http://localhost:{node.port}", Device()
    async with Visitor(node, "127.0.5.1") as eve:
        await eve.enter("eve")
        eve.headers["Host"] = f"localhost:{node.port}"
        options = await eve.ask("passkey-begin")
        await eve.ask("passkey-confirm", name="phone", credential=device.create(options, site))
        eve.leave()
        mine = await eve.ask("passkey-challenge")
        batch = [{"jsonrpc": "2.0", "id": n, "method": "passkey-challenge", "params": {}} for n in range(10)]
        for number in range(15):
            async with Visitor(node, f"127.0.8.{number + 1}") as stranger:
                stranger.headers["Host"] = f"localhost:{node.port}"
                for _ in range(7):
                    assert all("result" in answer for answer in await stranger.send(batch))
        assert (await eve.ask("passkey-login", credential=device.get(mine, site)))["user"] == "eve"


async def test_a_page_elsewhere_does_not_use_up_what_the_owner_may_call(node: TestNode) -> None:
    async with Visitor(node, "127.0.6.1") as victim:
        evil = [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
        for number in range(300):
            assert await victim.get("/healthz", **evil[number % 3]) == 403
        assert await victim.get("/") == 200 and await victim.get("/healthz") == 200
        assert isinstance(await victim.enter(), dict)


async def test_a_stranger_at_the_owners_address_who_calls_without_end_is_slowed_down_alone(node: TestNode) -> None:
    async with Visitor(node, "127.0.7.1") as owner, Visitor(node, "127.0.7.1") as stranger:
        await owner.enter()
        statuses = [200]
        while statuses[-1] == 200:  # all that may come at once, and what is given back meanwhile
            statuses += await asyncio.gather(*(stranger.get("/healthz") for _ in range(20)))
        assert set(statuses) == {200, 429}
        for _ in range(20):
            await asyncio.gather(*(stranger.get("/healthz") for _ in range(5)))
            assert await owner.get("/") == 200 and await stranger.get("/") == 200
            assert await owner.ask("container-list") == []
        owner.leave()
        assert (await owner.ask("login-status"))["set_up"] is True
        assert isinstance(await owner.enter(), dict)
        assert owner.headers[CONFIRMATION]


async def test_a_locked_node_does_not_hold_up_its_owner_on_its_own_socket(node: TestNode) -> None:
    await node.call("key-protect", passphrase=PASSPHRASE)
    await node.stop()
    with pytest.raises(RpcError) as refused:
        await node.start()
    assert refused.value.data["name"] == "locked"
    async with Visitor(node) as stranger:
        assert "too-many" in await guess_until_held_up(stranger, "key-unlock", passphrase="guess guess guess")
        with pytest.raises(RpcError) as caught:
            await node.call("key-unlock", passphrase="mistyped by the owner")
        assert caught.value.data["name"] == "wrong-credentials"
        await node.call("key-unlock", passphrase=PASSPHRASE)
    async with asyncio.timeout(START_TIMEOUT):
        while True:
            try:
                assert (await node.call("login-status"))["set_up"] is True
                break
            except (RpcError, OSError, aiohttp.ClientError):
                await asyncio.sleep(0.05)  # between its two lives
    await node.call("key-unprotect", current=PASSPHRASE)

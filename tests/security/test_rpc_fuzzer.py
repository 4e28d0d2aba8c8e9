"""Extreme values for every parameter of every method that the node describes, by everybody: it refuses, and goes on.

Each request goes over HTTP to a real node. Nobody gets an answer to what he may not ask, nothing is a mistake of the
node, and its log is without a traceback.
"""

import json
import random
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from archipelago.storage.records.permissions import ANYBODY, PERMISSIONS, Permission, Role
from support.cheap_passwords import CHEAP
from support.harness import TestNode, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600), pytest.mark.waits]

PASSWORD = "correct horse battery staple"
SEED = 12
INTERNAL_ERROR = -32603
REFUSALS = {"login-needed", "forbidden"}
ROLES = ("nobody", "viewer", "operator", "token discover", "token read operate")
COSTLY = ("key-protect", "key-unprotect")
"""Each takes the time of an argon2id of its own."""
FEW = 8
JSON = {"Content-Type": "application/json"}


def nested(depth: int, begin: str, end: str) -> str:
    return begin * depth + "1" + end * depth


NUMBERS = [
    *(
        str(sign * (2**bits + more))
        for bits in (8, 16, 31, 32, 53, 63, 64, 127)
        for sign in (1, -1)
        for more in (-1, 0)
    ),
    *("0", "-0", "-0.0", "0.1", "1e308", "-1e308", "5e-324", "1e400", "9" * 400, "NaN", "-Infinity"),
]
TEXTS = [
    *("", " ", "0", "None", "../../../etc/passwd", "/", "'; DROP TABLE users; --", "%s%n%x", "{{ 7 * 7 }}", "${HOME}"),
    *(
        "a\nb",
        "a\r\nSet-Cookie: x",
        "\x1b[2J",
        "\x7f",
        "\u202eevil",
        "\uff11\uff12",
        "é",
        "e\u0301",
        "😀",
        "\ufeff",
        "-1",
        "--help",
    ),
    *("x" * 65, "x" * 1025, "x" * 9000, "1e9", "true", "owner", "archipelago", "a" * 40, "a-" * 20),
]
SHAPES = [
    *("null", "true", "[]", "{}", "[[]]", "[null]", '{"": null}', '{"__proto__": 1}', '{"a": 1, "a": 2}'),
    *(
        '"\\ud800"',
        '"\\u0000"',
        '"\\udfff\\ud800"',
        nested(150, "[", "]"),
        nested(150, '{"a":', "}"),
        nested(300, "[", "]"),
    ),
    *(
        json.dumps(["x"] * 1500),
        json.dumps({f"k{number}": number for number in range(300)}),
        json.dumps([1, "a", None]),
    ),
]
HOSTILE = [*NUMBERS, *(json.dumps(text) for text in TEXTS), *SHAPES]
"""Values as JSON texts; some of them are none."""
PLAUSIBLE = {
    "app": "tiny",
    "user": "ghost",
    "password": "short",
    "id": "0" * 16,
    "dry_run": True,
    "role": "viewer",
}
"""Values of the other parameters that lead further in, and change nothing."""
QUERIES = (
    "-1",
    "0",
    "1",
    str(2**31),
    str(2**63),
    str(2**64),
    "9" * 5000,
    "1e3",
    "NaN",
    "%00",
    "\u0661",
    "a%0ab",
    "..%2f..",
)


class Fuzzer:
    """Makes requests from the node's own description."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.methods: list[dict[str, Any]] = document["methods"]
        self._parts = document["components"]["schemas"]

    def requests(self, method: dict[str, Any], most: int) -> Iterator[str]:
        """Yield requests: each parameter has each hostile value once, or as many as `most`."""
        params = method["params"]
        # The same for a method whatever was asked before, and whichever others there are.
        dice = random.Random(f"{SEED} {method['name']} {most}")
        for place, _ in enumerate(params):
            values = HOSTILE if most >= len(HOSTILE) else dice.sample(HOSTILE, most)
            for value in values:
                given = {
                    each["name"]: value if at == place else json.dumps(self._plausible(each))
                    for at, each in enumerate(params)
                    if at == place or each["required"] or each["name"] in PLAUSIBLE or dice.random() < 0.3
                }
                yield self._request(method["name"], given)
        for value in dice.sample([value for value in HOSTILE if value != "{}"], 3):  # which ends a session
            yield self._request(method["name"], {"no-such-parameter": value})
            yield f'{{"jsonrpc": "2.0", "id": 1, "method": "{method["name"]}", "params": {value}}}'
            params = '{"no-such-parameter": 1}'
            yield f'{{"jsonrpc": "2.0", "id": {value}, "method": "{method["name"]}", "params": {params}}}'

    def _request(self, name: str, given: dict[str, str]) -> str:
        params = ", ".join(f"{json.dumps(key)}: {value}" for key, value in given.items())
        return f'{{"jsonrpc": "2.0", "id": 1, "method": "{name}", "params": {{{params}}}}}'

    def _plausible(self, param: dict[str, Any]) -> object:
        if param["name"] in PLAUSIBLE:
            return PLAUSIBLE[param["name"]]
        schema = param["schema"]
        while isinstance(schema, dict) and ("$ref" in schema or "anyOf" in schema):
            schema = schema["anyOf"][0] if "anyOf" in schema else self._parts[schema["$ref"].rsplit("/", 1)[1]]
        if "enum" in schema:
            return schema["enum"][0]
        kinds: dict[str, object] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
        return schema.get("default", kinds.get(schema.get("type", ""), "word"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    write_app(
        catalog,
        "tiny",
        more="options: {word: {type: string, label: W, default: a}, n: {type: int, label: N, default: 1}}",
    )
    async with running_node("fuzzer", apps=catalog, environment=CHEAP) as running:
        await running.call("password-set", user="owner", password=PASSWORD)
        for role in (Role.OPERATOR, Role.VIEWER):
            await running.call("user-add", user=role.value, role=role.value, password=PASSWORD)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fuzzer(node: TestNode) -> Fuzzer:
    return Fuzzer(await node.call("rpc.discover"))


@asynccontextmanager
async def caller(node: TestNode, who: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Give somebody's client: the owner's on his socket, an account's after a login, a token's, or nobody's."""
    base = f"http://127.0.0.1:{node.port}"
    async with AsyncExitStack() as stack:
        if who == "owner":
            connector = aiohttp.UnixConnector(str(node.socket))
            yield await stack.enter_async_context(aiohttp.ClientSession("http://localhost", connector=connector))
            return
        headers = {}
        if who.startswith("token "):
            made = await node.call("token-create", name=who, permissions=who.split()[1:])
            headers = {"Authorization": f"Bearer {made['secret']}"}
        elif who != "nobody":
            async with aiohttp.ClientSession(base, connector=_from(who)) as page:
                request = {"jsonrpc": "2.0", "id": 1, "method": "login", "params": {"user": who, "password": PASSWORD}}
                async with page.post("/rpc/v1", json=request) as response:
                    headers = {"Authorization": f"Bearer {(await response.json())['result']['session']}"}
        yield await stack.enter_async_context(aiohttp.ClientSession(base, headers=headers, connector=_from(who)))


def _from(who: str) -> aiohttp.TCPConnector:
    """Return a connector of an address of one's own: wrong passwords make the next guess from there wait."""
    return aiohttp.TCPConnector(local_addr=(f"127.0.3.{ROLES.index(who) + 1}", 0))


async def send(client: aiohttp.ClientSession, requests: Iterable[str], batch: int) -> list[tuple[str, dict[str, Any]]]:
    """Send requests in batches; return each with its answer. One that is no JSON is sent again alone."""
    answered, waiting = [], list(requests)
    while waiting:
        some, waiting = waiting[:batch], waiting[batch:]
        body = some[0] if len(some) == 1 else f"[{','.join(some)}]"
        async with client.post("/rpc/v1", data=body.encode("utf-8", "surrogatepass"), headers=JSON) as response:
            text = await response.text()
            assert response.status < 500 and "Traceback" not in text, (some, response.status, text[:500])
        found = json.loads(text) if text else {}
        answers = found if isinstance(found, list) else [found]
        if len(answers) == len(some):
            answered += list(zip(some, answers, strict=True))
        else:
            half = len(some) // 2
            for part in (some[:half], some[half:]):
                answered += await send(client, part, max(1, len(part)))
    return answered


def name_of(answer: dict[str, Any]) -> str:
    return str(answer["error"]["data"]["name"]) if "error" in answer else ""


async def test_the_owner_cannot_make_it_stumble(node: TestNode, fuzzer: Fuzzer) -> None:
    calls = 0
    async with caller(node, "owner") as client:
        for method in fuzzer.methods:
            for request, answer in await send(
                client, fuzzer.requests(method, FEW if method["name"] in COSTLY else len(HOSTILE)), 40
            ):
                calls += 1
                assert ("result" in answer) != ("error" in answer), (request[:300], answer)
                assert answer.get("error", {}).get("code") != INTERNAL_ERROR, (request[:300], answer)
    assert calls > 5000
    # Who logs in as him with one of these passwords ends the session that asked.
    if "ghost" in {each["name"] for each in await node.call("user-list")}:
        await node.call("user-remove", user="ghost")
    await require_well(node)


@pytest.mark.parametrize("who", ROLES)
async def test_nobody_gets_further_than_he_may(node: TestNode, fuzzer: Fuzzer, who: str) -> None:
    if who.startswith("token "):
        allowed = frozenset(map(Permission, who.split()[1:]))
    else:
        allowed = PERMISSIONS[Role(who)] if who != "nobody" else ANYBODY
    async with caller(node, who) as client:
        for method in fuzzer.methods:
            may = Permission(method["x-permission"]) in allowed
            for request, answer in await send(client, fuzzer.requests(method, 3), 10 if who == "nobody" else 40):
                error = answer.get("error", {})
                assert error.get("code") != INTERNAL_ERROR, (request[:300], answer)
                refused = name_of(answer) in REFUSALS and "permission" in error["data"]
                malformed = name_of(answer) in ("invalid-request", "parse-error", "too-many")
                assert refused != may or malformed, (request[:300], answer)
                assert may or "result" not in answer, (request[:300], answer)
    await require_well(node)


async def test_addresses_and_subscriptions_take_as_little(node: TestNode) -> None:
    async with caller(node, "owner") as client:
        for path in (
            "/logs?app={}",
            "/logs?app=tiny&tail={}",
            "/logs?app=tiny&follow={}",
            "/icons/{}",
            "/screenshots/{}/{}",
            "/assets/{}",
            "/terminal?app=tiny&columns={}",
            "/terminal?app=tiny&rows={}&container={}",
            "/{}",
        ):
            for value in QUERIES:
                async with client.get(path.replace("{}", value)) as response:
                    assert response.status < 500 or response.status == 503, (path, value, await response.text())
        async with client.ws_connect("/ws/v1") as socket:
            for name, kind in (("since", "events"), ("tail", "logs"), ("app", "logs"), ("subscription", "")):
                for value in HOSTILE:
                    method = "subscribe" if kind else "unsubscribe"
                    more = f'"kind": "{kind}", ' if kind else ""
                    await socket.send_str(
                        f'{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{more}"{name}":{value}}}}}'
                    )
                    answer: dict[str, Any] = {"method": "event"}
                    while "method" in answer:  # what was subscribed to comes in between
                        answer = await socket.receive_json(timeout=60)
                    assert answer.get("error", {}).get("code") != INTERNAL_ERROR, (name, value[:100], answer)
    await require_well(node)


async def require_well(node: TestNode) -> None:
    """Require that the node is as it was, and has nothing to complain of."""
    assert await node.call("container-list") == []
    assert (await node.call("audit-verify"))["faults"] == []
    log = (node.root / "daemon.log").read_text()
    assert "Traceback" not in log and "failed" not in log, log[-4000:]
    assert Path(f"/proc/{node.process.pid}").exists() if node.process else False

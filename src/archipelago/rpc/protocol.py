"""JSON-RPC 2.0: from the bytes of a request, or a batch of them, to the bytes of the answer."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from archipelago.api.operations import Operation
from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.container.podman_client.errors import PodmanError
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller, require, require_alive, require_confirmation
from archipelago.rpc.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
    error_object,
    internal_error,
    invalid_params,
    podman_failed,
)
from archipelago.rpc.method import Method, Params
from archipelago.rpc.record import end_on_record, subject_of
from archipelago.rpc.refusals import Kind, Refusals
from archipelago.security.audit.chain import AuditAction, Outcome
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission
from archipelago.support.texts.text import msg

MAX_BATCH = 100
MAX_UNKNOWN_BATCH = 10
MAX_VALUES = 20_000
"""Most values in a body, those within others included: to look at each of a million takes a second, for everybody."""
_CHANGES = Rate(0.5, 200)
"""How often an account that is no owner's may do what is written down."""
_CALLS = Rate(200.0, 2000)
"""How often an account may call within batches."""
MAX_ID = 256
"""Longest id, in characters."""
_MAX_WHOLE = 2**53
_MALFORMED_NOTED = 100
"""Characters of an error about a malformed request that are written down."""
_REQUEST_KEYS = frozenset({"jsonrpc", "method", "params", "id"})

RequestId = str | int | None


@dataclass(frozen=True, slots=True)
class Call:
    """One well-formed request."""

    method: str
    params: dict[str, Any]
    id: RequestId
    notification: bool


def parse_body(body: bytes | str) -> Any:
    """Return the JSON of a body; raises `RpcError`. Strict: no NaN, no lone surrogates, at most 200 levels."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RpcError(
            PARSE_ERROR, msg("no JSON: {error}", error=error), hint=msg("send one JSON request, in UTF-8")
        ) from error
    if _has_more_values(value, MAX_VALUES):
        raise RpcError(
            INVALID_REQUEST,
            msg("a request has at most {most} values", most=MAX_VALUES),
            hint=msg("send a smaller request"),
        )
    return value


def parse_call(value: Any) -> Call:
    """Return the request in a JSON value; raises `RpcError`."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_REQUEST, msg("a request is a JSON object"))
    if value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, msg('jsonrpc must be "2.0"'))
    method = value.get("method")
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, msg("method must be a text"))
    if not _is_id(value.get("id")):
        raise RpcError(
            INVALID_REQUEST,
            msg("id must be a text of at most {longest} characters, a whole number or null", longest=MAX_ID),
        )
    if unknown := sorted(set(value) - _REQUEST_KEYS):
        raise RpcError(INVALID_REQUEST, msg("a request has no member {unknown}", unknown=f"{unknown[0][:60]!r}"))
    params = value.get("params", {})
    if not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, msg("params must be an object: parameters are given by name"))
    return Call(method, params, value.get("id"), "id" not in value)


def request_id(value: Any) -> RequestId:
    """Return the id of a request that may be malformed, or None."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if _is_id(found) else None


def success(key: RequestId, result: object) -> dict[str, Any]:
    """Return an answer with a result."""
    return {"jsonrpc": "2.0", "id": key, "result": result}


def failure(key: RequestId, error: RpcError | NodeError) -> dict[str, Any]:
    """Return an answer with an error."""
    return {"jsonrpc": "2.0", "id": key, "error": error_object(error)}


def encode(value: object) -> bytes:
    """Return a value, pydantic models included, as JSON."""
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:
        # The name of a file, above all, is bytes that need not be text: Python stands in lone surrogates for them.
        return to_json(_as_text(to_jsonable_python(value, inf_nan_mode="constants")), inf_nan_mode="null")


def _as_text(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_as_text(key): _as_text(each) for key, each in value.items()}
        case list():
            return [_as_text(each) for each in value]
        case _:
            return value


def _has_more_values(value: Any, most: int) -> bool:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list | dict):
            most -= len(found)
            if most < 0:
                return True
            waiting += found if isinstance(found, list) else found.values()
    return False


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID
    return value is None or (type(value) is int and abs(value) <= _MAX_WHOLE)


class Dispatcher:
    """Finds the method of a request, checks caller and parameters, calls it, and turns every outcome into an answer."""

    def __init__(self, services: Services, methods: Iterable[Method], refusals: Refusals) -> None:
        self._services = services
        self._login = services.of(Login)
        self._audit = services.of(AuditService)
        self._methods = {method.name: method for method in methods}
        for method in self._methods.values():
            if absent := [kind.__name__ for kind in method.handler.services if kind not in services]:
                raise LookupError(f"nobody provides {', '.join(absent)}, which {method.name} needs")
        self._changing: set[asyncio.Future[object]] = set()
        self._refusals = refusals
        self._rates = RateLimit()
        self._log = structlog.get_logger("rpc")

    async def answer(self, body: bytes, caller: Caller) -> bytes | None:
        """Return the answer to a body, or None when nobody asked for one."""
        try:
            value = parse_body(body)
        except RpcError as error:
            return encode(await self._malformed(None, caller, error))
        if not isinstance(value, list):
            answer = await self._answer_one(value, caller)
            return self._encode(answer) if answer is not None else None
        most = MAX_BATCH if caller.visitor is not None else MAX_UNKNOWN_BATCH
        if not 1 <= len(value) <= most:
            text = msg("a batch has 1 to {most} requests, not {count}", most=most, count=len(value))
            return encode(await self._malformed(None, caller, RpcError(INVALID_REQUEST, text)))
        if not caller.trusted:
            try:
                self._charge(f"calls {caller.name} {caller.session or caller.origin}", _CALLS, len(value))
            except NodeError as error:
                return encode(failure(None, error))
        # One after the other, so that a batch may ask for the effect of what it did.
        answers = [answer for item in value if (answer := await self._answer_one(item, caller)) is not None]
        return b"[" + b",".join(map(self._encode, answers)) + b"]" if answers else None

    async def close(self, timeout: float) -> None:
        """Wait for changes whose callers hung up."""
        if self._changing:
            await asyncio.wait(self._changing, timeout=timeout)
        for task in self._changing:
            task.cancel()

    async def _answer_one(self, value: Any, caller: Caller) -> dict[str, Any] | None:
        try:
            call = parse_call(value)
        except RpcError as error:
            return await self._malformed(request_id(value), caller, error)
        try:
            answer = success(call.id, await self._call(call, caller))
        except RpcError as error:
            answer = await self._malformed(call.id, caller, error)
        except NodeError as error:
            answer = failure(call.id, error)
        except PodmanError as error:
            answer = failure(call.id, podman_failed(error))
        except Exception:
            self._log.exception("a method failed", method=call.method)
            answer = failure(call.id, internal_error())
        return None if call.notification else answer

    async def _call(self, call: Call, caller: Caller) -> object:
        method = self._methods.get(call.method)
        if method is None:
            raise RpcError(
                METHOD_NOT_FOUND,
                msg("there is no method {method}", method=f"{call.method[:60]!r}"),
                hint=msg("rpc.discover lists all methods"),
            )
        try:
            require_alive(self._login, caller)  # since its head was read, the session may have ended
            require(caller, method.permission)
        except NodeError as error:
            await self._refusals.note(caller.name, caller.origin, method.name, error.code.value, Kind.FORBIDDEN)
            raise
        try:
            params = method.params.model_validate(call.params)
        except ValidationError as error:
            raise invalid_params(method.name, error) from error
        except RecursionError as error:
            raise RpcError(
                INVALID_PARAMS, msg("{method}: the parameters are nested too deeply", method=method.name)
            ) from error
        if method.confirms:
            require_confirmation(self._login, caller)
        work = self._on_record(method, params, caller) if method.on_record else self._handle(method, params, caller)
        result = await (self._to_the_end(work) if method.mutates else work)
        if not method.mutates:
            require_alive(self._login, caller)  # what was found out is not for a session that has ended
        return result

    async def _on_record(self, method: Method, params: Params, caller: Caller) -> object:
        """Write down that it starts, before it does, and how it ended; what cannot be written down is not done."""
        subject = subject_of(params)
        audited = AuditAction(
            who=caller.name, origin=caller.origin, action=method.name, subject=subject, outcome=Outcome.BEGUN
        )
        is_attempt = not caller.trusted and (caller.visitor is None or method.permission is Permission.LOGIN)
        if caller.visitor is not None or not is_attempt:
            self._require_patience(caller)
        began = await self._begin(audited) if is_attempt else await self._audit.record(audited)
        if began is None:
            return await self._attempt(method, params, caller, audited)
        async with end_on_record(self._audit, audited, began) as end:
            result = await self._carry_out(method, params, caller)
            end.done(result.id if isinstance(result, Operation) else "")
        return result

    async def _carry_out(self, method: Method, params: Params, caller: Caller) -> object:
        # Again: writing takes time, and the caller may have been shut out meanwhile.
        require_alive(self._login, caller)
        if method.confirms:
            require_confirmation(self._login, caller)
        # Before it is done: what is removed does not say whose it was.
        concerns = method.concerns(self._services, params, caller) if method.concerns is not None else None
        result = await self._handle(method, params, caller)
        if method.tells:
            await self._tell(method, params, caller, concerns)
        return result

    async def _tell(self, method: Method, params: Params, caller: Caller, concerns: str | None) -> None:
        """Notify whom it concerns on the page; what is done stays done where that fails, for it is in the audit log."""
        own = method.permission is Permission.ACCOUNT
        user: str | None = concerns or getattr(params, "user", None)
        account = user or (caller.name if own else "")
        subject = user or str(getattr(params, "name", caller.name if own else ""))
        try:
            await self._login.notices.leave(method.name, subject, account, caller.name, caller.origin)
        except NodeError as error:
            self._log.error("nobody is notified of a change", method=method.name, error=str(error))

    async def _begin(self, audited: AuditAction) -> int | None:
        """Write down what anybody may try; None where he tries too often, or the disk is too full, for that."""
        if not self._refusals.may_be_told(audited.who, audited.origin, Kind.ATTEMPT):
            return None
        try:
            return await self._audit.record(audited)
        except NodeError as error:
            if error.code is not ErrorCode.DISK_FULL:
                raise
            return None

    async def _attempt(self, method: Method, params: Params, caller: Caller, audited: AuditAction) -> object:
        """Have somebody try something that is written down when it succeeds, and counted when it does not.

        What cannot be written down then has no answer: nobody learns the secret of a new session.
        """
        try:
            result = await self._carry_out(method, params, caller)
        except NodeError:
            self._refusals.count(caller.name, caller.origin, method.name)
            raise
        await self._audit.record(audited.model_copy(update={"outcome": Outcome.DONE}))
        return result

    def _require_patience(self, caller: Caller) -> None:
        """Refuse somebody who is no owner and changes things again and again: each change takes room for ever."""
        if Permission.ADMINISTER not in caller.permissions:
            self._charge(f"change {caller.name}", _CHANGES, 1)

    def _charge(self, what: str, rate: Rate, count: int) -> None:
        if (wait := self._rates.take(what, rate, time.monotonic(), count)) > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("too many calls"),
                hint=msg("ask less often"),
                data={"retry_after": round(wait, 2)},
            )

    async def _handle(self, method: Method, params: Params, caller: Caller) -> object:
        return await method.handler(self._services, params, caller)

    async def _malformed(self, key: RequestId, caller: Caller, error: RpcError) -> dict[str, Any]:
        """Return the answer to what is no request, or none that the node knows."""
        if not caller.trusted:
            said = str(error)[:_MALFORMED_NOTED]
            await self._refusals.note(caller.name, caller.origin, "malformed", said, Kind.MALFORMED)
        return failure(key, error)

    async def _to_the_end(self, work: Awaitable[object]) -> object:
        """Run a change so that a caller who hangs up does not cut it in half."""
        task = asyncio.ensure_future(work)
        self._changing.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Future[object]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            task.exception()  # fetched, so that a change whose caller hung up leaves no complaint of asyncio

    def _encode(self, answer: dict[str, Any]) -> bytes:
        try:
            return encode(answer)
        except ValueError:
            self._log.exception("an answer cannot be written as JSON")
            return encode(failure(answer["id"], internal_error()))

"""Gives transactions to bitcoind, by a login that may do little else."""

import base64
import http.client
import json
import re
from dataclasses import dataclass

from meshtx.frames import Status
from meshtx.gateway import Outcome

_ALREADY_SPENT_OUT = -27
"""RPC_VERIFY_ALREADY_IN_UTXO_SET: it is in the chain."""
_VERDICTS = (-22, -25, -26)
"""Not a transaction; its inputs are missing or spent; against the rules. All others are the node's own trouble."""
_KNOWN = frozenset(("txn-already-in-mempool", "txn-already-known", "txn-same-nonwitness-data-in-mempool"))
_TXID = re.compile(r"[0-9a-f]{64}")
_MOST_ANSWER = 1 << 20
_MOST_REASON = 300
"""Characters."""
_TIMEOUT = 30.0
"""Seconds."""


class NodeSilent(Exception):
    """The node does not answer, or not about the transaction; it says why."""


class NodeRefused(Exception):
    """The node answered with an error; `code` is bitcoind's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class BitcoinNode:
    """The RPC port of bitcoind."""

    host: str
    port: int
    user: str
    password: str

    def submit(self, transaction: bytes) -> Outcome:
        """Have a transaction broadcast, unless the node has it; return what the node says. Raises nothing."""
        text = transaction.hex()
        try:
            checked = self._call("testmempoolaccept", [text])
            if not isinstance(checked, list) or not checked or not isinstance(checked[0], dict):
                raise NodeSilent("the node answers nonsense")
            said = checked[0]
            if said.get("allowed") is not True:
                reason = str(said.get("reject-details") or said.get("reject-reason") or "it gives no reason")
                if said.get("reject-reason") in _KNOWN:
                    return Outcome(Status.KNOWN, _txid(said.get("txid")))
                return Outcome(Status.REFUSED, reason=reason[:_MOST_REASON])
            return Outcome(Status.ACCEPTED, _txid(self._call("sendrawtransaction", text)))
        except NodeRefused as error:
            if error.code == _ALREADY_SPENT_OUT:
                return Outcome(Status.KNOWN)
            if error.code in _VERDICTS:
                return Outcome(Status.REFUSED, reason=str(error)[:_MOST_REASON])
            return Outcome(Status.WAITING, reason=str(error)[:_MOST_REASON])
        except NodeSilent as error:
            return Outcome(Status.WAITING, reason=str(error)[:_MOST_REASON])

    def chain(self) -> str:
        """Return the name of the node's chain. Raises `NodeSilent` and `NodeRefused`."""
        said = self._call("getblockchaininfo")
        return str(said.get("chain")) if isinstance(said, dict) else "?"

    def _call(self, method: str, *parameters: object) -> object:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = {"jsonrpc": "1.0", "id": 0, "method": method, "params": list(parameters)}
        try:
            connection.request("POST", "/", json.dumps(request), {"Authorization": f"Basic {token}"})
            answer = connection.getresponse()
            body = answer.read(_MOST_ANSWER)
            if answer.status in (401, 403):
                raise NodeSilent(f"the node does not let this app call {method} (HTTP {answer.status})")
            said = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NodeSilent(f"the node does not answer: {error}") from error
        finally:
            connection.close()
        if not isinstance(said, dict):
            raise NodeSilent("the node answers nonsense")
        problem = said.get("error")
        if isinstance(problem, dict):
            code = problem.get("code")
            raise NodeRefused(code if isinstance(code, int) else 0, str(problem.get("message")))
        return said.get("result")


def _txid(said: object) -> bytes:
    return bytes.fromhex(said) if isinstance(said, str) and _TXID.fullmatch(said) else b""

"""Gathers what a page shows. What one page asks for is bounded, whatever is in the chain."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from threading import Lock

from explorer.doors import CallRefused, Calls, ElectrumAway, ElectrumDoor
from explorer.seeking import Sheet, Sought, is_hash, sheet, sought
from explorer.views import (
    Answer,
    BlockRow,
    BlockView,
    Estimate,
    Part,
    TransactionView,
    block_row,
    block_view,
    estimate,
    input_of,
    transaction_view,
)
from explorer.words import satoshi

ROWS = 10
"""Blocks of a list."""
MOST_SHOWN = 1000
"""Transactions of the mempool: those that pay the most."""
_MOST_INPUTS = 100
"""Of a transaction in the mempool, for what it changes at an address."""
_KEPT_STATS = 512
_STATS = ("totalfee", "feerate_percentiles", "subsidy", "total_out")
_TARGETS = ((2, "20 minutes"), (3, "30 minutes"), (6, "an hour"), (18, "three hours"), (144, "a day"), (1008, "a week"))
"""Blocks and how long they take."""


class NothingFound(Exception):
    """What was asked for is not there; it says so in words for the reader."""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the chain is."""

    chain: str
    """As bitcoind calls it: `main`, `test`, `testnet4`, `signet`, `regtest`."""
    height: int
    headers: int
    hash: str
    syncing: bool
    pruned: bool


@dataclass(frozen=True, slots=True)
class MempoolView:
    """What waits for a block."""

    count: int
    vsize: int
    """Virtual bytes."""
    memory: int
    """Bytes."""
    fees: int
    """Satoshi."""
    least_rate: Decimal
    """Satoshi per virtual byte."""


@dataclass(frozen=True, slots=True)
class AddressTransaction:
    """A transaction of an address."""

    transaction: TransactionView
    effect: int | None
    """By how many satoshi it changes what the address has."""


@dataclass(frozen=True, slots=True)
class AddressView:
    """An address."""

    address: str
    kind: str
    script: str
    """Hexadecimal."""
    confirmed: int | None
    """Satoshi; None without an Electrum server."""
    unconfirmed: int | None
    transactions: Sheet[AddressTransaction] | None
    trouble: str
    """Why the Electrum server does not say more."""


class StatsKept:
    """Figures of blocks that were asked for already; they never change."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self._lock = Lock()

    def of(self, node: Calls, block: str) -> Answer | None:
        """Return `getblockstats` of a block by its hash, with its `size` in bytes, which those do not have.

        None where the block is not there any more, or not yet.
        """
        with self._lock:
            if block in self._known:
                self._known.move_to_end(block)
                return self._known[block]
        try:
            figures = node.call("getblockstats", block, list(_STATS))
            found: Answer = {**figures, "size": node.call("getblock", block, 1)["size"]}
        except CallRefused:
            return None
        with self._lock:
            self._known[block] = found
            while len(self._known) > _KEPT_STATS:
                self._known.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one page."""

    node: Calls
    electrum: ElectrumDoor | None
    stats: StatsKept

    def tip(self) -> Tip:
        """Return where the chain is."""
        said = self.node.call("getblockchaininfo")
        return Tip(
            str(said["chain"]),
            int(said["blocks"]),
            int(said["headers"]),
            str(said["bestblockhash"]),
            bool(said["initialblockdownload"]),
            bool(said["pruned"]),
        )

    def rows(self, newest: int, count: int = ROWS) -> list[BlockRow]:
        """Return so many blocks from a height downwards."""
        found = []
        for height in range(newest, max(-1, newest - count), -1):
            header = self.node.call("getblockheader", self.node.call("getblockhash", height))
            found.append(block_row(header, self.stats.of(self.node, str(header["hash"]))))
        return found

    def block(self, name: str, page: int) -> tuple[BlockView, Sheet[TransactionView]]:
        """Return a block by its hash or height, and a page of its transactions. Raises `NothingFound`."""
        if not is_hash(name):
            name = self.hash_of(name)
        try:
            header = self.node.call("getblockheader", name)
        except CallRefused:
            raise NothingFound(f"Your Bitcoin node knows no block {name}.") from None
        try:
            block = self.node.call("getblock", name, 1)
        except CallRefused:
            block = None  # pruned, or not downloaded yet
        ids = [str(each) for each in block["tx"]] if block is not None else []
        part = sheet(ids, page)
        if block is not None and int(header["height"]) == 0:
            shown: list[Answer] = self.node.call("getblock", name, 2)["tx"]  # bitcoind has it nowhere else
        else:
            shown = [self._in_block(each, name) for each in part.items]
        first = None
        if block is not None:
            first = shown[0] if part.number == 1 else self._in_block(ids[0], name)
        view = block_view(header, self.stats.of(self.node, name), block, first)
        found = [transaction_view(each) for each in shown]
        return view, Sheet(found, part.number, part.last, part.total, part.first)

    def hash_of(self, height: str) -> str:
        """Return the hash of the block at a height. Raises `NothingFound`."""
        try:
            return str(self.node.call("getblockhash", int(height)))
        except (CallRefused, ValueError):
            raise NothingFound(f"There is no block {height} yet.") from None

    def transaction(self, txid: str, block: str = "") -> TransactionView:
        """Return a transaction; `block` is the hash of its block, or empty. Raises `NothingFound`."""
        try:
            answer = self._raw(txid, block)
        except CallRefused:
            raise NothingFound(self._why_unknown(txid, block)) from None
        if not answer.get("blockhash"):
            return self._waiting(answer)
        if "fee" not in answer and not block:
            # bitcoind says what a transaction spends where it is told the block.
            try:
                answer = self._raw(txid, str(answer["blockhash"]))
            except CallRefused:
                pass
        return transaction_view(answer)

    def with_sources(self, inputs: Sequence[Part]) -> list[Part]:
        """Return inputs with what they spend, where bitcoind still knows it."""
        return [each if each.amount is not None else self._with_source(each) for each in inputs]

    def with_spent(self, transaction: TransactionView, outputs: Sequence[Part]) -> list[Part]:
        """Return outputs of a transaction with whether they are spent; those of the mempool count."""
        found = []
        for each in outputs:
            if each.kind == "OP_RETURN":
                found.append(each)
                continue
            coin = self.node.call("gettxout", transaction.id, each.index, True)
            found.append(replace(each, spent=coin is None))
        return found

    def mempool(self) -> MempoolView:
        """Return what waits for a block."""
        said = self.node.call("getmempoolinfo")
        return MempoolView(
            int(said["size"]),
            int(said["bytes"]),
            int(said["usage"]),
            satoshi(said.get("total_fee", 0)),
            Decimal(satoshi(said["mempoolminfee"])) / 1000,
        )

    def waiting(self, page: int) -> Sheet[TransactionView]:
        """Return a page of the transactions that wait; who pays most is first."""
        part = sheet([str(each) for each in self.node.call("getrawmempool")[:MOST_SHOWN]], page)
        found = []
        for each in part.items:
            try:
                found.append(self._waiting(self._raw(each, "")))
            except CallRefused:
                continue  # it came into a block just now
        return Sheet(found, part.number, part.last, part.total, part.first)

    def estimates(self) -> list[Estimate]:
        """Return what payments cost."""
        return [estimate(blocks, words, self.node.call("estimatesmartfee", blocks)) for blocks, words in _TARGETS]

    def address(self, address: str, page: int) -> AddressView:
        """Return an address. Raises `NothingFound`."""
        said = self.node.call("validateaddress", address)
        if said.get("isvalid") is not True:
            chain = self.tip().chain
            raise NothingFound(f"{address} is no address of this network ({chain}): {said.get('error', '')}.")
        script = str(said["scriptPubKey"])
        view = AddressView(str(said["address"]), _kind(said), script, None, None, None, "")
        if self.electrum is None:
            return view
        name = hashlib.sha256(bytes.fromhex(script)).digest()[::-1].hex()
        try:
            balance, history = self.electrum.ask(
                [("blockchain.scripthash.get_balance", [name]), ("blockchain.scripthash.get_history", [name])]
            )
        except ElectrumAway as error:
            return replace(view, trouble=str(error))
        part = sheet(list(reversed(_newest_last(history))), page)
        one_by_one = (self._of_address(str(each["tx_hash"]), int(each["height"]), script) for each in part.items)
        found = [each for each in one_by_one if each is not None]
        return replace(
            view,
            confirmed=int(balance["confirmed"]),
            unconfirmed=int(balance["unconfirmed"]),
            transactions=Sheet(found, part.number, part.last, part.total, part.first),
        )

    def way(self, text: str) -> str:
        """Return the path of the page about what somebody looks for. Raises `NothingFound`, with words about it."""
        what, name = sought(text)
        if what is Sought.NOTHING:
            return "/"
        if what is Sought.HEIGHT:
            return f"/block/{self.hash_of(name)}"
        if what is Sought.ADDRESS:
            return f"/address/{self.node.call('validateaddress', name).get('address') or name}"
        if what is Sought.HASH:
            try:
                return f"/block/{self.node.call('getblockheader', name)['hash']}"
            except CallRefused:
                return f"/tx/{name}"
        raise NothingFound(
            "Look for a block by its height or hash, a transaction by its id, or an address of this network."
        )

    def _raw(self, txid: str, block: str) -> Answer:
        found: Answer = self.node.call("getrawtransaction", txid, 2, *([block] if block else []))
        return found

    def _in_block(self, txid: str, block: str) -> Answer:
        try:
            return self._raw(txid, block)
        except CallRefused as error:
            raise NothingFound(f"Your Bitcoin node does not find {txid} in its block: {error}.") from None

    def _waiting(self, answer: Answer) -> TransactionView:
        try:
            entry = self.node.call("getmempoolentry", str(answer["txid"]))
        except CallRefused:
            return transaction_view(answer)
        return transaction_view(answer, int(entry["time"]), satoshi(entry["fees"]["base"]))

    def _with_source(self, place: Part) -> Part:
        if place.source is None:
            return place
        txid, index = place.source
        # Of what the mempool spends, the chain has the coin still, and the mempool has its own.
        coin = self.node.call("gettxout", txid, index, False)
        if coin is None:
            try:
                coin = self._raw(txid, "")["vout"][index]
            except (CallRefused, IndexError):
                return place
        return input_of(place, coin)

    def _of_address(self, txid: str, height: int, script: str) -> AddressTransaction | None:
        try:
            view = self.transaction(txid, self.hash_of(str(height)) if height > 0 else "")
        except NothingFound:
            return None  # the chain has changed since the Electrum server looked
        if len(view.inputs) <= _MOST_INPUTS:
            view = replace(view, inputs=self.with_sources(view.inputs))
        return AddressTransaction(view, view.effect(script))

    def _why_unknown(self, txid: str, block: str) -> str:
        if block:
            return f"Your Bitcoin node does not find {txid} in that block, or does not have the block any more."
        indexed = self.node.call("getindexinfo", "txindex").get("txindex")
        if indexed is None:
            return (
                f"{txid} is not in the mempool, and your Bitcoin node keeps no index of all transactions, so it finds "
                "others only by their block. Switch its option “Index all transactions” on to find them by their id."
            )
        if indexed.get("synced") is not True:
            return f"{txid} is not in the index of all transactions yet, which your Bitcoin node is still making."
        return f"Your Bitcoin node knows no block and no transaction {txid}."


def _newest_last(history: Sequence[Answer]) -> list[Answer]:
    """Return what an Electrum server lists, in the order of the chain; it puts what waits (height 0 or -1) last."""
    return sorted(history, key=lambda each: each["height"] if each["height"] > 0 else 1 << 62)


def _kind(said: Answer) -> str:
    if said.get("iswitness"):
        version, length = int(said.get("witness_version", 0)), len(str(said.get("witness_program", ""))) // 2
        if version == 0:
            return "P2WPKH" if length == 20 else "P2WSH"
        return "P2TR" if version == 1 and length == 32 else f"witness version {version}"
    return "P2SH" if said.get("isscript") else "P2PKH"

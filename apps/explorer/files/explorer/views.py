"""What a page shows of blocks and transactions, and how it is read from bitcoind's answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from explorer.scripts import data_of, digits, kind_of, miner_text, readable
from explorer.words import COIN, satoshi

Answer = Mapping[str, Any]
_REPLACEABLE = 0xFFFFFFFD
"""Largest sequence number of an input that says that its transaction may be replaced (BIP 125)."""


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block in a list."""

    height: int
    hash: str
    time: int
    """Seconds since 1970, by its miner."""
    transactions: int
    size: int | None
    """Bytes of all of it; None where the block is not there any more (pruned), as are the next two."""
    fees: int | None
    """Satoshi, of all its transactions."""
    median_rate: Decimal | None
    """Satoshi per virtual byte; None as well for a block of which nobody paid a fee."""


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block."""

    row: BlockRow
    confirmations: int
    """0 or less for a block that is not on the best chain."""
    previous: str
    """Hash; empty for the first block."""
    next: str
    weight: int | None
    subsidy: int | None
    """New bitcoin in it, in satoshi."""
    output: int | None
    """Satoshi that its transactions pay, without the first one."""
    rates: Sequence[Decimal]
    """Fee rates below which are 10, 25, 50, 75 and 90 % of its weight; empty where they are not known."""
    details: Mapping[str, str]
    ids: Sequence[str]
    """Of its transactions."""


@dataclass(frozen=True, slots=True)
class Part:
    """An input or an output of a transaction."""

    index: int
    amount: int | None
    """Satoshi; None where it is not known."""
    address: str
    """Empty where its script has none."""
    kind: str
    """Type of its script in words; empty where that is not known."""
    script: str = ""
    """Hexadecimal."""
    text: str = ""
    """Data in it that is text."""
    data: str = ""
    """Data in it that is none, in hexadecimal."""
    source: tuple[str, int] | None = None
    """Of an input, the transaction and the output that it spends; None for new bitcoin, and for outputs."""
    spent: bool | None = None
    """Of an output; None where that is not known."""


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction."""

    id: str
    inputs: Sequence[Part]
    outputs: Sequence[Part]
    size: int
    vsize: int
    weight: int
    version: int
    locktime: int
    fee: int | None
    """Satoshi; None where what it spends is not known, and 0 for new bitcoin."""
    replaceable: bool
    """Whether it says that another one may replace it while it is in no block."""
    block: str
    """Hash of its block; empty while it is in none."""
    confirmations: int
    time: int | None
    """When its block was made, or when it came into the mempool."""

    @property
    def new(self) -> bool:
        """Whether it pays new bitcoin: the first one of a block."""
        return any(each.source is None for each in self.inputs)

    @property
    def output(self) -> int:
        """Satoshi that it pays."""
        return sum(each.amount or 0 for each in self.outputs)

    @property
    def rate(self) -> Decimal | None:
        """Satoshi of fee per virtual byte."""
        return None if self.fee is None or self.new else Decimal(self.fee) / self.vsize

    def effect(self, script: str) -> int | None:
        """Return by how many satoshi it changes what a script (in hexadecimal) has; None where that is not known."""
        if any(each.amount is None for each in self.inputs if each.source is not None):
            return None
        got = sum(each.amount or 0 for each in self.outputs if each.script == script)
        return got - sum(each.amount or 0 for each in self.inputs if each.script == script)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a payment costs that shall be in a block within some time."""

    blocks: int
    within: str
    rate: Decimal | None
    """Satoshi per virtual byte; None where bitcoind cannot tell."""


def block_row(header: Answer, stats: Answer | None) -> BlockRow:
    """Return the row of a block from `getblockheader`, and from figures of it where they are there."""
    found = stats or {}
    percentiles = found.get("feerate_percentiles") or []
    alone = int(header["nTx"]) == 1  # it pays new bitcoin, and no fee
    return BlockRow(
        height=int(header["height"]),
        hash=str(header["hash"]),
        time=int(header["time"]),
        transactions=int(header["nTx"]),
        size=found.get("size"),
        fees=found.get("totalfee"),
        median_rate=Decimal(percentiles[2]) if len(percentiles) == 5 and not alone else None,
    )


def block_view(header: Answer, stats: Answer | None, block: Answer | None, first: Answer | None) -> BlockView:
    """Return a block from `getblockheader`, and from `getblockstats`, `getblock` and its first transaction if there."""
    found, whole = stats or {}, block or {}
    details = {
        "Hash of all transactions": str(header["merkleroot"]),
        "Difficulty": f"{Decimal(header['difficulty']):,.2f}",
        "Version": str(header["versionHex"]),
        "Bits": str(header["bits"]),
        "Nonce": str(header["nonce"]),
    }
    if first is not None and (said := miner_text(str(first["vin"][0].get("coinbase", "")))):
        details = {"Text of the miner": said, **details}
    return BlockView(
        row=block_row(header, stats),
        confirmations=int(header["confirmations"]),
        previous=str(header.get("previousblockhash", "")),
        next=str(header.get("nextblockhash", "")),
        weight=whole.get("weight"),
        subsidy=found.get("subsidy"),
        output=found.get("total_out"),
        rates=[Decimal(each) for each in found.get("feerate_percentiles") or []],
        details=details,
        ids=[str(each) for each in whole.get("tx", ())],
    )


def transaction_view(answer: Answer, time: int | None = None, fee: int | None = None) -> TransactionView:
    """Return a transaction from `getrawtransaction`; its fee and time of arrival where another call said them."""
    inputs = [_input(index, each) for index, each in enumerate(answer["vin"])]
    if fee is None and "fee" in answer:
        fee = satoshi(answer["fee"])
    return TransactionView(
        id=str(answer["txid"]),
        inputs=inputs,
        outputs=[_part(int(each["n"]), each) for each in answer["vout"]],
        size=int(answer["size"]),
        vsize=int(answer["vsize"]),
        weight=int(answer["weight"]),
        version=int(answer["version"]),
        locktime=int(answer["locktime"]),
        fee=0 if any(each.source is None for each in inputs) else fee,
        replaceable=any(int(each["sequence"]) <= _REPLACEABLE for each in answer["vin"] if "txid" in each),
        block=str(answer.get("blockhash", "")),
        confirmations=int(answer.get("confirmations", 0)),
        time=int(answer["blocktime"]) if "blocktime" in answer else time,
    )


def input_of(place: Part, coin: Answer) -> Part:
    """Return an input with what is known of the output that it spends (`value`, `scriptPubKey`)."""
    found = _part(place.index, coin)
    return Part(place.index, found.amount, found.address, found.kind, found.script, source=place.source)


def estimate(blocks: int, within: str, answer: Answer) -> Estimate:
    """Return an estimate from `estimatesmartfee`, which speaks of bitcoin for 1000 virtual bytes."""
    said = answer.get("feerate")
    return Estimate(blocks, within, None if said is None else Decimal(said) * COIN / 1000)


def _input(index: int, answer: Answer) -> Part:
    if "coinbase" in answer:
        return Part(index, None, "", "new bitcoin", text=miner_text(str(answer["coinbase"])))
    source = (str(answer["txid"]), int(answer["vout"]))
    place = Part(index, None, "", "", source=source)
    return input_of(place, answer["prevout"]) if "prevout" in answer else place


def _part(index: int, answer: Answer) -> Part:
    script = answer["scriptPubKey"]
    code = str(script.get("hex", ""))
    data = data_of(code)
    text = readable(data)
    return Part(
        index,
        satoshi(answer["value"]),
        str(script.get("address", "")),
        kind_of(str(script.get("type", ""))),
        code,
        text,
        "" if text else digits(data),
    )

"""What a gateway answers, gives to the node and forgets, and how deliveries end over an air that loses a third."""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshtx.delivery import Delivery
from meshtx.erasure import fragment, parts_of
from meshtx.frames import EVERYTHING, Ask, Data, Need, Report, Status, name_of, unpacked
from meshtx.gateway import Gateway, Limits, Outcome, Submission

A, B = b"a" * 16, b"b" * 16
FINE = Outcome(Status.ACCEPTED, b"\x07" * 32)


def frames_of(transaction: bytes, largest: int = 100) -> list[bytes]:
    count, size = parts_of(len(transaction), largest)
    pieces = (
        Data(name_of(transaction), len(transaction), each, fragment(transaction, count, size, each))
        for each in range(256)
    )
    return [piece.packed() for piece in itertools.islice(pieces, 2 * count)]


def submissions(gateway: Gateway, sender: bytes, frames: list[bytes], now: float = 0.0) -> list[Submission]:
    return [one for frame in frames for one in gateway.receive(sender, frame, now)[1]]


def asked(gateway: Gateway, sender: bytes, transaction: bytes, now: float) -> object:
    answers, _ = gateway.receive(sender, Ask(name_of(transaction)).packed(), now)
    return unpacked(answers[0].frame) if answers else None


def test_a_transaction_is_given_to_the_node_once_whoever_sends_it() -> None:
    gateway, transaction = Gateway(), bytes(range(250))
    (one,) = submissions(gateway, A, frames_of(transaction))
    assert one.transaction == transaction
    assert submissions(gateway, B, frames_of(transaction)) == []
    assert asked(gateway, B, transaction, 1.0) == Report(one.name, Status.WAITING)
    told = gateway.concluded(one, FINE, 2.0)
    assert [(each.sender, unpacked(each.frame)) for each in told] == [
        (who, Report(one.name, Status.ACCEPTED, FINE.txid)) for who in (A, B)
    ]
    assert submissions(gateway, A, frames_of(transaction), 3.0) == []
    assert asked(gateway, b"c" * 16, transaction, 9e6) == Report(one.name, Status.ACCEPTED, FINE.txid)


def test_a_refusal_counts_for_a_minute_since_a_parent_may_come() -> None:
    gateway, transaction = Gateway(), b"child" * 20
    (one,) = submissions(gateway, A, frames_of(transaction))
    gateway.concluded(one, Outcome(Status.REFUSED, reason="bad-txns-inputs-missingorspent"), 0.0)
    assert submissions(gateway, A, frames_of(transaction), 59.0) == []
    assert asked(gateway, A, transaction, 59.0) == Report(
        one.name, Status.REFUSED, reason="bad-txns-inputs-missingorspent"
    )
    assert len(submissions(gateway, A, frames_of(transaction), 60.0)) == 1


def test_a_node_that_does_not_answer_is_asked_again_and_the_sender_told_once() -> None:
    gateway, transaction = Gateway(), b"wait" * 20
    (one,) = submissions(gateway, A, frames_of(transaction))
    silent = Outcome(Status.WAITING, reason="the node does not answer")
    assert len(gateway.concluded(one, silent, 0.0)) == 1
    assert gateway.due(9.0) == []
    assert gateway.due(10.0) == [one] and gateway.due(11.0) == []
    assert gateway.concluded(one, silent, 12.0) == []
    assert gateway.due(22.0) == [one]
    assert len(gateway.concluded(one, FINE, 23.0)) == 1
    assert (gateway.due(100.0), gateway.waiting) == ([], 0)


def test_it_says_how_much_it_needs() -> None:
    gateway, transaction = Gateway(), bytes(1000)
    assert asked(gateway, A, transaction, 0.0) == Need(name_of(transaction), EVERYTHING)
    submissions(gateway, A, frames_of(transaction)[13:17])
    assert asked(gateway, A, transaction, 0.0) == Need(name_of(transaction), 6)
    assert asked(gateway, B, transaction, 0.0) == Need(name_of(transaction), EVERYTHING), "it is another sender's"


def test_what_was_put_together_wrongly_is_forgotten_and_needed_again() -> None:
    gateway, transaction = Gateway(), bytes(range(200))
    frames = frames_of(transaction)
    assert submissions(gateway, A, [frames[0], frames[1][:-1] + b"\xff"]) == []
    assert asked(gateway, A, transaction, 0.0) == Need(name_of(transaction), EVERYTHING)
    assert len(submissions(gateway, A, frames)) == 1


def test_messages_that_are_not_whole_are_forgotten_in_time() -> None:
    gateway, transaction = Gateway(Limits(partial_seconds=100)), bytes(1000)
    submissions(gateway, A, frames_of(transaction)[:3], 0.0)
    gateway.due(99.0)
    assert len(gateway.partials) == 1
    gateway.due(100.0)
    assert (len(gateway.partials), gateway.partials.cost, gateway.counts.expired) == (0, 0, 1)


def test_a_flood_of_parts_drops_its_own_and_memory_is_bounded() -> None:
    gateway = Gateway(Limits(partial_bytes=100_000, bytes_per_second=1e9, bytes_at_once=1e9, partials_of_each=10_000))
    kept = bytes(range(256)) * 4
    submissions(gateway, A, frames_of(kept, 300)[:3])
    chance = random.Random(3)
    for _ in range(3000):
        gateway.receive(
            B, Data(chance.randbytes(8), 30_000, chance.randrange(128), chance.randbytes(380)).packed(), 0.0
        )
        assert gateway.partials.cost <= 100_000
    assert asked(gateway, A, kept, 0.0) == Need(name_of(kept), 1)


def test_who_sends_too_many_has_to_wait_and_others_need_not() -> None:
    gateway = Gateway(Limits(transactions_per_minute=60, transactions_at_once=3))
    many = [bytes((each,)) * 60 for each in range(6)]
    assert [len(submissions(gateway, A, frames_of(each))) for each in many] == [1, 1, 1, 0, 0, 0]
    assert asked(gateway, A, many[4], 0.0) == Report(name_of(many[4]), Status.LIMITED)
    assert len(submissions(gateway, B, frames_of(b"other" * 10))) == 1
    _, later = gateway.receive(A, Ask(name_of(many[4])).packed(), 1.0)
    assert [each.transaction for each in later] == [many[4]], "it need not be sent again"


def test_who_sends_too_many_bytes_is_not_heard() -> None:
    gateway = Gateway(Limits(bytes_per_second=1000, bytes_at_once=4 * 465))
    for _ in range(100):
        gateway.receive(A, b"\x12" + bytes(400), 0.0)
    assert gateway.counts.limited >= 90 and asked(gateway, A, b"x", 0.0) is None
    assert asked(gateway, B, b"x", 0.0) == Need(name_of(b"x"), EVERYTHING)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from((A, B)), st.binary(max_size=60), st.integers(0x10, 0x15)), max_size=60))
def test_no_frame_makes_an_error(heard: list[tuple[bytes, bytes, int]]) -> None:
    gateway = Gateway()
    for number, (sender, rest, kind) in enumerate(heard):
        answers, found = gateway.receive(sender, bytes((kind,)) + rest, float(number))
        assert len(answers) <= 1 and all(each.sender == sender for each in answers)
        for one in found:
            gateway.concluded(one, Outcome(Status.REFUSED, reason="TX decode failed"), float(number))


class Air:
    """Carries frames between senders and a gateway: late, out of order, twice, or not at all."""

    def __init__(self, chance: random.Random, loss: float, node: Callable[[bytes], Outcome]) -> None:
        self.chance, self.loss, self.node = chance, loss, node
        self.gateway = Gateway(Limits(transactions_per_minute=6e4, transactions_at_once=1e4), largest_frame=200)
        self.events: list[tuple[float, int, bool, bytes, bytes]] = []
        self.numbers = itertools.count()
        self.octets = 0

    def carry(self, now: float, up: bool, sender: bytes, frame: bytes) -> None:
        self.octets += len(frame)
        for _ in range(2 if self.chance.random() < 0.05 else 1):
            if self.chance.random() >= self.loss:
                at = now + self.chance.uniform(0.5, 6.0)
                heapq.heappush(self.events, (at, next(self.numbers), up, sender, frame))

    def run(self, deliveries: dict[bytes, Delivery], until: float) -> None:
        now = 0.0
        while now < until and not all(each.is_over(now) for each in deliveries.values()):
            for sender, each in deliveries.items():
                while (frame := each.frame(now)) is not None:
                    self.carry(now, True, sender, frame)
            for again in self.gateway.due(now):
                self.conclude(again, now)
            while self.events and self.events[0][0] <= now:
                _, _, up, sender, frame = heapq.heappop(self.events)
                if not up:
                    deliveries[sender].receive(frame, now)
                    continue
                answers, found = self.gateway.receive(sender, frame, now)
                for answer in answers:
                    self.carry(now, False, answer.sender, answer.frame)
                for one in found:
                    self.conclude(one, now)
            now += 0.5

    def conclude(self, one: Submission, now: float) -> None:
        for answer in self.gateway.concluded(one, self.node(one.transaction), now):
            self.carry(now, False, answer.sender, answer.frame)


@pytest.mark.parametrize(("loss", "largest"), [(0.0, 400), (0.3, 400), (0.3, 200), (0.6, 200)])
def test_every_transaction_is_reported_and_the_node_sees_each_once(loss: float, largest: int) -> None:
    chance, seen = random.Random(int(loss * 10) + largest), Counter[bytes]()

    def node(transaction: bytes) -> Outcome:
        if chance.random() < 0.1:
            return Outcome(Status.WAITING)
        seen[transaction] += 1
        good = transaction[0] % 3 > 0
        return Outcome(Status.ACCEPTED, bytes(32)) if good else Outcome(Status.REFUSED, reason="non-BIP68-final")

    air = Air(chance, loss, node)
    sent = [chance.randbytes(chance.choice((222, 222, 400, 1000, 5000))) for _ in range(60)]
    deliveries = {bytes((number,)) * 16: Delivery(each, largest, 12.0, 7200.0) for number, each in enumerate(sent)}
    air.run(deliveries, 7200.0)
    for each in deliveries.values():
        assert each.report is not None
        expected = Status.ACCEPTED if each.transaction[0] % 3 > 0 else Status.REFUSED
        assert each.report.status is expected
    assert set(seen) == set(sent)
    assert {count for transaction, count in seen.items() if transaction[0] % 3 > 0} == {1}
    if loss == 0.3:
        assert air.octets <= 2.2 * sum(map(len, sent)), "air time of both ways"


def test_a_sender_that_hears_nothing_gives_up_and_says_little() -> None:
    delivery, now, octets = Delivery(bytes(3000), 200, 10.0, 3600.0), 0.0, 0
    while not delivery.is_over(now):
        while (frame := delivery.frame(now)) is not None:
            octets += len(frame)
        now = delivery.next_at(now)
    assert delivery.report is None
    assert octets < 3000 * 1.6 + 80 * 9


def test_a_gateway_cannot_make_a_sender_send_for_ever() -> None:
    delivery, octets = Delivery(bytes(3000), 200, 10.0, 1000.0), 0
    for now in range(1000):
        while (frame := delivery.frame(float(now))) is not None:
            octets += len(frame)
        for _ in range(5):
            delivery.receive(Need(delivery.name, EVERYTHING).packed(), float(now))
        delivery.receive(Need(bytes(8), 255).packed(), float(now))
    assert octets < 3000 * 1.5 * 110


def test_what_is_too_large_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="50000 are the most"):
        Delivery(bytes(50_001), 400, 1.0, 1.0)
    with pytest.raises(ValueError, match="are the most"):
        Delivery(bytes(40_000), 200, 1.0, 1.0)

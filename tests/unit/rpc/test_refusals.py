"""Refusals are written down as they are while they are few, and added up when they are many."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.refusals import Kind, Refusals, RefusalSums
from archipelago.security.audit.chain import AuditAction, Outcome, is_refusal


class Log:
    """Keeps what is written down."""

    def __init__(self) -> None:
        self.recorded: list[AuditAction] = []
        self.is_full = False

    async def record(self, audited: AuditAction) -> int:
        if self.is_full:
            raise NodeError(ErrorCode.DISK_FULL, "full")
        self.recorded.append(audited)
        return len(self.recorded)


async def test_ten_thousand_refusals_are_a_dozen_entries() -> None:
    log = Log()
    refusals = Refusals(log.record)
    for _ in range(10_000):
        await refusals.note("nobody", "192.168.0.7", "container-list", "login-needed", Kind.FORBIDDEN)
    await refusals.sum_up()
    assert len(log.recorded) == 11 and all(map(is_refusal, log.recorded))
    assert "9990 times" in log.recorded[-1].subject["192.168.0.7"] and log.recorded[-1].detail == "9990 in all"
    await refusals.sum_up()
    assert len(log.recorded) == 11


async def test_neither_addresses_nor_accounts_make_it_more() -> None:
    log = Log()
    refusals = Refusals(log.record)
    for number in range(3000):
        await refusals.note("nobody", f"10.0.{number // 250}.{number % 250}", "login", "x", Kind.ATTEMPT)
        await refusals.note(f"token t{number % 50}", f"10.0.0.{number % 250}", "user-add", "forbidden", Kind.FORBIDDEN)
    await refusals.sum_up()
    assert len(log.recorded) <= 201 and len(log.recorded[-1].subject) <= 9


async def test_a_full_disk_loses_refusals_and_nothing_else() -> None:
    log = Log()
    log.is_full = True
    refusals = Refusals(log.record)
    await refusals.note("nobody", "here", "login", "x", Kind.ATTEMPT)
    await refusals.sum_up()
    log.is_full = False
    await refusals.note("nobody", "here", "login", "x", Kind.ATTEMPT)
    assert [audited.outcome for audited in log.recorded] == [Outcome.REFUSED]


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4), st.floats(0, 4e9)), max_size=600))
def test_no_refusal_is_lost_in_a_sum(found: list[tuple[str, str, float]]) -> None:
    sums = RefusalSums()
    for place, action, at in found:
        sums.add(place, action, at)
    audited = sums.take()
    assert (audited.detail if audited else "0 in all") == f"{len(found)} in all"
    assert sums.take() is None

"""Which apps have filled the part of the disk that they may take."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.performance.resource_manager.disk_quota import DiskQuotas, QuotaLevel, quota_level

BYTES = st.integers(0, 1 << 50)


@given(used=BYTES, limit=BYTES.filter(bool), before=st.sampled_from(QuotaLevel))
def test_an_app_is_over_its_limit_exactly_above_it_or_until_it_is_well_below(
    used: int, limit: int, before: QuotaLevel
) -> None:
    level = quota_level(used, limit, before)
    if used > limit:
        assert level is QuotaLevel.OVER
    elif level is QuotaLevel.OVER:
        assert before is QuotaLevel.OVER and used > 0.95 * limit
    if used <= 0.9 * limit:
        assert level is QuotaLevel.WITHIN


def test_an_app_comes_back_once_its_limit_is_higher() -> None:
    quotas = DiskQuotas().after({"a": 101, "b": 95, "c": 7}, {"a": 100, "b": 100})
    assert quotas.at(QuotaLevel.OVER) == {"a"} and quotas.at(QuotaLevel.NEAR) == {"b"}
    assert quotas.after({"a": 100, "b": 95}, {"a": 100, "b": 100}).at(QuotaLevel.OVER) == {"a"}
    assert quotas.after({"a": 101}, {"a": 200}).at(QuotaLevel.OVER) == frozenset()
    assert quotas.after({"a": 101}, {}).levels == {}


def test_what_was_never_counted_is_within_any_limit() -> None:
    assert DiskQuotas().after({}, {"a": 0}).levels == {}

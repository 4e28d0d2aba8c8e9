"""When the disk will be full."""

from archipelago.performance.forecast import EVERY, DiskForecast


def test_it_goes_on_as_it_went() -> None:
    forecast = DiskForecast()
    for number in range(13):
        forecast.add(number * EVERY, 10_000 - number * 100)
    assert forecast.seconds_left() == 8_800 / 100 * EVERY


def test_it_says_nothing_too_early_nor_of_a_disk_that_does_not_fill() -> None:
    forecast = DiskForecast()
    assert forecast.seconds_left() is None
    forecast.add(0, 1000)
    forecast.add(EVERY, 10)
    assert forecast.seconds_left() is None
    forecast.add(7 * EVERY, 1000)
    assert forecast.seconds_left() is None


def test_looks_that_come_early_and_those_of_long_ago_do_not_count() -> None:
    forecast = DiskForecast()
    for number in range(1000):
        forecast.add(number * EVERY, 2_000 if number < 500 else 2_500 - number)
        forecast.add(number * EVERY + 1, 1)
    seconds = forecast.seconds_left()
    assert seconds is not None
    assert round(seconds / EVERY) == 1_501

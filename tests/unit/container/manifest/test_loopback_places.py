"""Where apps listen on this host, for random apps: never where names lead, and what is behind a login unforeseeably."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.loopback_places import LoopbackPlace, place_of
from support.endpoints import endpoint

NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
PAGE = endpoint(kind="ui", protocol="http")


@given(NAMES, NAMES, st.integers(1, 65535), st.text(max_size=8))
def test_what_programs_may_use_is_where_its_port_says_and_other_pages_are_elsewhere(
    app: str, name: str, port: int, seed: str
) -> None:
    for open_to_programs in (endpoint(), endpoint(kind="ui", protocol="http", login="own")):
        assert place_of(app, name, open_to_programs, port, seed) == LoopbackPlace(LOOPBACK, port)
    place = place_of(app, name, PAGE, port, seed)
    assert place.address.is_loopback and place.address >= IPv4Address("127.64.0.0")
    assert 10_000 <= place.port < 30_000
    assert place == place_of(app, name, PAGE, port + 1, seed), "it stays where it is, whatever port it is given"


def test_the_place_of_a_page_behind_the_login_tells_nothing_of_another_one() -> None:
    places = {
        place_of(app, name, PAGE, 80, seed)
        for app in ("specter", "mempool")
        for name in ("page", "admin")
        for seed in ("one node", "another node")
    }
    assert len(places) == len({each.address for each in places}) == len({each.port for each in places}) == 8

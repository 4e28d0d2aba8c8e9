"""Who goes when there is no room: never somebody who is being served, and never a newcomer for a stranger's sake."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.support.connections.crowd import Crowd, Guest, Standing


class Scene:
    """A crowd, and who was ended."""

    def __init__(self, total: int, each: int) -> None:
        self.crowd = Crowd(total, each)
        self.ended: list[Guest] = []
        self.now = 0.0

    def come(self, who: str, standing: Standing = Standing.WAITING, *, account: str = "") -> Guest | None:
        self.now += 1.0
        guest = Guest(who, standing, self.now, lambda: self.ended.append(guest))
        if not self.crowd.enter(guest):
            return None
        if account:
            self.crowd.recognise(guest, account)
        return guest


def test_the_one_that_waits_longest_makes_room() -> None:
    scene = Scene(3, 3)
    first, second, _ = [scene.come("here") for _ in range(3)]
    assert first is not None and second is not None
    scene.crowd.move(first, Standing.READING, scene.now)
    assert scene.come("here") is not None
    assert scene.ended == [second]


def test_whoever_is_served_stays_and_the_newcomer_is_refused_then_alone() -> None:
    scene = Scene(2, 2)
    for _ in range(2):
        assert scene.come("here", Standing.SERVED, account="owner")
    assert scene.come("here") is None
    assert scene.ended == [] and len(scene.crowd) == 2


def test_a_stranger_who_is_known_by_nobody_goes_before_an_owner_who_asks_nothing() -> None:
    scene = Scene(3, 3)
    owner = scene.come("here", Standing.KNOWN, account="owner")
    for _ in range(20):
        assert scene.come("here")
    assert owner in list(scene.crowd) and owner not in scene.ended


def test_a_newcomer_gets_the_time_to_say_what_it_wants_while_bodies_trickle() -> None:
    scene = Scene(4, 4)
    for _ in range(4):
        guest = scene.come("here")
        assert guest is not None
        scene.crowd.move(guest, Standing.READING, scene.now)
    newcomer = scene.come("here")
    scene.now -= 0.9
    assert scene.come("here")
    assert newcomer not in scene.ended and len(scene.ended) == 2


def test_a_newcomer_is_spared_while_those_who_are_there_ask_without_a_pause() -> None:
    scene = Scene(4, 4)
    there = [scene.come("here") for _ in range(4)]
    newcomers = []
    for _ in range(3):
        for guest in there:
            if guest is not None:
                for standing in (Standing.READING, Standing.ANSWERING):
                    scene.crowd.move(guest, standing, scene.now)
        newcomers.append(scene.come("here"))
        scene.now -= 0.9
    assert not {*newcomers} & {*scene.ended} and {*scene.ended} < {*there}


def test_where_all_are_new_the_first_one_goes_whatever_it_does() -> None:
    scene = Scene(4, 4)
    there = []
    for _ in range(4):
        there.append(scene.come("here"))
        scene.now -= 0.99
    assert there[0] is not None
    scene.crowd.move(there[0], Standing.ANSWERING, scene.now)
    scene.now -= 0.99
    assert scene.come("here") and scene.ended == there[:1]


def test_one_place_takes_no_more_than_its_share_and_pays_for_it_itself() -> None:
    scene = Scene(8, 2)
    other = scene.come("other")
    for _ in range(20):
        assert scene.come("greedy")
    assert len(scene.crowd) == 3 and other not in scene.ended


def test_of_strangers_the_place_with_the_most_pays() -> None:
    scene = Scene(6, 5)
    other = scene.come("other")
    for _ in range(5):
        scene.come("greedy")
    assert scene.come("third")
    assert other not in scene.ended and scene.ended[0].who == "greedy"


def test_one_account_cannot_have_all_places_to_itself() -> None:
    scene = Scene(64, 64)
    for _ in range(64):
        guest = scene.come("here")
        assert guest is not None
        scene.crowd.recognise(guest, "viewer")
        scene.crowd.move(guest, Standing.SERVED if guest.account else Standing.READING, scene.now)
    assert scene.come("here") is not None


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(Standing), st.sampled_from(["come", "go", "move"])), max_size=60
)


@given(steps, st.integers(1, 6), st.integers(1, 6))
def test_the_bounds_hold_and_nobody_is_lost(found: list[tuple[str, Standing, str]], total: int, each: int) -> None:
    scene = Scene(total, each)
    there: list[Guest] = []
    for who, standing, what in found:
        if what == "come":
            guest = scene.come(who, standing)
            there += [guest] if guest is not None else []
        elif there and what == "go":
            scene.crowd.leave(there.pop(0))
        elif there:
            scene.crowd.move(there[-1], standing, scene.now)
        there = [guest for guest in there if guest not in scene.ended]
        assert list(scene.crowd) == there
        assert len(there) <= total and all(sum(g.who == one for g in there) <= each for one in "abc")
        assert not any(guest.standing is Standing.SERVED for guest in scene.ended)


def test_one_place_full_of_newcomers_does_not_save_those_of_others_who_have_waited_for_long() -> None:
    scene = Scene(128, 32)
    for place in "bcdef":
        for _ in range(19):
            scene.now = -1.0
            assert scene.come(place)
    scene.now = 4.0
    owner = scene.come("owner", Standing.ANSWERING)
    for _ in range(32):
        scene.now = 8.5
        assert scene.come("a")
    scene.now = 9.0
    assert owner is not None and scene.come("newcomer")
    assert owner not in scene.ended and [guest.who for guest in scene.ended] == ["b"]


def test_a_slow_newcomer_is_spared_while_those_of_full_places_come_and_go() -> None:
    scene = Scene(128, 32)
    for place in "bcdefghi" * 16:
        scene.now -= 0.999
        assert scene.come(place)
    owner = scene.come("owner")
    for place in "bcdefghi" * 400:  # for three seconds
        scene.now -= 0.999
        assert scene.come(place)
    assert owner is not None and owner not in scene.ended


def test_those_who_are_served_do_not_make_their_place_a_full_one() -> None:
    scene = Scene(64, 32)
    for _ in range(20):
        assert scene.come("owner", Standing.SERVED, account="owner")
    newcomer = scene.come("owner")
    for place in "bcd" * 20:
        scene.now -= 0.99
        assert scene.come(place)
    assert newcomer is not None and newcomer not in scene.ended

"""Seeds of Lightning wallets: the words are those that LND 0.21.0 makes of the same bytes."""

from datetime import UTC, datetime

import pytest

from archipelago.security.secrets.aezeed import seed_words

_ENTROPY = bytes.fromhex("81b637d86359e6960de795e41e0b4cfd")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            1231006505,
            "above judge emerge veteran reform crunch system all snap please shoulder vault "
            "hurt city quarter cover enlist swear success suggest drink wagon enrich body",
        ),
        (
            1796069000,
            "absent act circle cube attack speak section purpose enjoy animal science drill "
            "this primary brief museum cover squeeze success suggest drink liberty very sport",
        ),
    ],
)
def test_the_words_are_those_of_lnd(made: int, words: str) -> None:
    assert seed_words(_ENTROPY, b"salt1", datetime.fromtimestamp(made, UTC)) == words

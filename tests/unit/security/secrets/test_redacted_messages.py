"""No secret slips through in what a text was made of."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.security.secrets.redactor import HIDDEN, Redactor
from archipelago.support.texts.text import Text, msg
from archipelago.support.texts.translatable import Message

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"


def redactor() -> Redactor:
    """Return one that knows the secret."""
    made = Redactor()
    made.learn(SECRET)
    return made


def wire(text: str) -> str:
    """Return all that leaves the node of a text."""
    return text + (Message.of(text).model_dump_json() if isinstance(text, Text) else "")


def test_a_parameter_is_redacted_as_the_text_is() -> None:
    text = redactor().redact(msg("{app} printed {line}", app="tor", line=f"password {SECRET}"))
    assert isinstance(text, Text)
    assert text.key == "{app} printed {line}"
    assert dict(text.parameters) == {"app": "tor", "line": f"password {HIDDEN}"}
    assert SECRET not in wire(text)


def test_a_text_within_a_text_is_redacted() -> None:
    text = redactor().redact(msg("why: {text}", text=msg("it said {line}", line=SECRET)))
    assert text == f"why: it said {HIDDEN}"
    assert SECRET not in wire(text)
    assert isinstance(text, Text)
    assert isinstance(text.parameters["text"], Text)


@given(st.integers(min_value=1, max_value=len(SECRET) - 1), st.text(max_size=5), st.text(max_size=5))
def test_a_secret_in_two_parameters_is_found(cut: int, before: str, after: str) -> None:
    text = redactor().redact(msg("{a}{b}", a=before + SECRET[:cut], b=SECRET[cut:] + after))
    assert SECRET not in text
    assert not isinstance(text, Text) or SECRET not in "".join(text.parameters.values())


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_no_secret_can_still_be_translated(first: str, second: str) -> None:
    text = redactor().redact(msg("{first} and {second}", first=first, second=second))
    assert isinstance(text, Text)
    assert dict(text.parameters) == {"first": first, "second": second}

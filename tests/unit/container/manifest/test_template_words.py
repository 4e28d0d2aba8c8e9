"""Words of templates, which are counted before they are read."""

from hypothesis import example, given
from hypothesis import strategies as st

from archipelago.container.manifest.template_syntax import syntax_words
from archipelago.container.manifest.templates import count_words


@example("")
@example("\r\n")
@example("\n\n")
@example("#}\n# %}")
@given(st.text().filter(lambda text: "{" not in text))
def test_what_cannot_be_a_template_is_counted_as_jinja_counts_it(text: str) -> None:
    assert count_words(text, 9) == syntax_words(text, 9)

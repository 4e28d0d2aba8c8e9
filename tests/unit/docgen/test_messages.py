"""The list of what the node says, which its translations are checked against."""

import pytest

from archipelago.docgen.messages import templates


def test_finds_the_templates_of_all_calls() -> None:
    source = 'raise E(msg("a {b}" " c", b=msg("nested")), hint=msg("d") if b else "none")'
    assert sorted(templates(source)) == ["a {b} c", "d", "nested"]


@pytest.mark.parametrize("call", ['msg(f"a {b}")', "msg(text)", 'msg("a" + b)'])
def test_refuses_a_template_that_nobody_could_translate(call: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(templates(call))


def test_refuses_a_template_with_a_name_that_is_no_parameter_of_the_call() -> None:
    with pytest.raises(ValueError, match="app"):
        list(templates('msg("{app} stops", name=app)'))

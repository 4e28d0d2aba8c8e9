"""Templates: strict, sandboxed, bounded, and every error names its place."""

import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.bitcoin.rpcauth import rpcauth_line
from archipelago.container.workload.templates.renderer import REVEALED, Renderer, TemplateError
from archipelago.errors import ErrorCode, NodeError
from support.processor_time import ProcessorTime


@pytest.mark.parametrize(
    "source",
    [
        "{{ nothing }}",
        "{{ a.b.c }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ a.append(1) }}",
        "{% for x in range(99999999) %}x{% endfor %}",
        "{% for x in range(90000) %}{{ 'x' * 100 }}{% endfor %}",
        "{{",
        "{% include 'other' %}",
        # What is not there, or no number, must not become a word or a 0 in a live configuration.
        "{{ none }}",
        "{{ missing }}",
        "{{ 'x' ~ none }}",
        "{{ [none] | join }}",
        "{{ mapping.get('missing') }}",
        "{{ mapping.port | int }}",
        "{{ '12x' | int }}",
        "{{ 'nan-such' | float }}",
        "{% for key, value in missing | items %}{{ key }}{% endfor %}",
        "{{ 'x' | public_key }}",
    ],
)
def test_what_a_template_must_not_do_is_an_error_with_a_place(source: str) -> None:
    with pytest.raises(NodeError, match=r"^apps/x"):
        Renderer().inline("apps/x: command", source, {"a": [1], "mapping": {"port": "", "empty": None}})


@given(st.text())
def test_no_text_gives_anything_but_text_or_an_error(source: str) -> None:
    try:
        assert isinstance(Renderer().inline("apps/x", source, {}), str)
    except NodeError as error:
        assert "apps/x" in str(error)


def test_a_file_may_include_its_neighbours() -> None:
    files = {"a.j2": b"{% if true %}{% include 'b.j2' %}{% endif %}", "b.j2": b"b={{ b }}\n"}
    assert Renderer().file("apps/x/a.j2", "a.j2", files, {"b": 2}) == b"b=2\n"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'x' * 9999999999 }}",
        "{{ 'x'.center(9999999999) }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ 'x' | indent(9999999999, true) }}",
        "{{ 'x' | center(9999999999) }}",
        "{{ 2 ** (2 ** 60) }}",
        "{{ 1.5 | round(9999999999, 'ceil') }}",
        "{{ lipsum(n=99999999) }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for i in range(64) %}{% set n.x = n.x.split('') %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x = n.x | replace('x', 'xx') %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x = [n.x, n.x] | join %}{% endfor %}",
        "{% set n = namespace(x=1) %}{% for i in range(64) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}",
        "{% set n = namespace(x='x') %}{% for i in range(64) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
        "{% set a %}{% for i in range(9999) %}" + "text" * 999 + "{% endfor %}{% endset %}",
        "{% macro m(d) %}{% if d %}{{ m(d - 1) }}{{ m(d - 1) }}{% endif %}{% endmacro %}{{ m(64) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ [1, 2] }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
    ],
)
def test_no_template_takes_the_node_s_memory_or_time(source: str, processor_time: ProcessorTime) -> None:
    renderer = Renderer()
    with pytest.raises(TemplateError) as caught:
        renderer.inline("apps/x", source, {})
    assert caught.value.where == "apps/x"
    assert renderer.inline("apps/x", "{{ 1 + 1 }}", {}) == "2", "the next template starts with a full budget"
    processor_time.require_below(5)


def test_templates_that_include_themselves_end(processor_time: ProcessorTime) -> None:
    twice = b"{% if d %}{% with d = d - 1 %}{% include 'a.j2' %}{% include 'a.j2' %}{% endwith %}{% endif %}"
    for text in (b"{% include 'a.j2' %}", twice):
        with pytest.raises(TemplateError):
            Renderer().file("apps/x/a.j2", "a.j2", {"a.j2": text}, {"d": 40})
    processor_time.require_below(5)


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("{{ [options.prune, 550] | max }}", "550"),
        ("{{ 'a' ~ 1 ~ true }}", "a1True"),
        ("{% for k, v in {'b': 2, 'a': 1} | dictsort %}{{ k }}={{ v }};{% endfor %}", "a=1;b=2;"),
        ("{% for x in ['p', 'q'] %}{{ loop.index }}{{ x }}{{ ',' if not loop.last }}{% endfor %}", "1p,2q"),
        ("{{ ['a', 'b'] | map('upper') | join('-') }}", "A-B"),
        ("{{ {'k': [1, '<']} | tojson }}", '{"k": [1, "<"]}'),
        ("{{ 'a,b'.split(',') | last }}", "b"),
        ("{{ 3 * 4 // 5 }} {{ 7 % 4 }} {{ 2 ** 10 }} {{ 1.25 | round(1) }}", "2 3 1024 1.2"),
        ("{% if requires.get('tor') %}tor{% else %}none{% endif %}", "none"),
        ("{{ 5368709120 | mib }}", "5120"),
        ("{{ 'pw' | rpcauth('me') }}", rpcauth_line("me", "pw")),
        ("{% macro line(k) %}{{ k }}=1{% endmacro %}{{ line('a') }}", "a=1"),
        ("{% set text %}a{{ 1 }}{% endset %}{{ text }}", "a1"),
        ("{{ missing | default('d') }}", "d"),
    ],
)
def test_what_templates_are_for_works(source: str, output: str) -> None:
    context = {"options": {"prune": 5}, "requires": {"tor": None}}
    assert Renderer().inline("apps/x", source, context) == output
    assert Renderer().file("apps/x", "x", {"x": source.encode()}, context) == output.encode()


def test_an_error_names_the_line() -> None:
    for source, line in ((b"a\nb\n{{ nothing }}\n", 3), (b"a\n{% if %}\n", 2), (b"a\nb\nc\n{{ 1 / 0 }}", 4)):
        with pytest.raises(TemplateError) as caught:
            Renderer().file("apps/x/a.j2", "a.j2", {"a.j2": source}, {})
        assert caught.value.line == line
        assert caught.value.code is ErrorCode.INVALID_MANIFEST and caught.value.hint


@pytest.mark.parametrize("source", ["{{ {}[secrets.key] }}", "{{ secrets.key.nothing }}", "{{ range(secrets.key) }}"])
def test_an_error_never_quotes_a_secret(source: str) -> None:
    context = {"secrets": {"key": "the-value"}}
    with pytest.raises(TemplateError) as caught:
        Renderer().file("apps/x/a.j2", "a.j2", {"a.j2": source.encode()}, context, REVEALED)
    assert "the-value" not in "".join(traceback.format_exception(caught.value))


def test_files_that_are_no_text_or_not_there_are_typed_errors() -> None:
    for files in ({}, {"a.j2": b"\xff"}, {"a.j2": b"{% include 'b.j2' %}", "b.j2": b"\n\xff"}):
        with pytest.raises(TemplateError):
            Renderer().file("apps/x/a.j2", "a.j2", files, {})


def test_neighbours_of_two_apps_are_not_mixed_up() -> None:
    renderer = Renderer()
    for text in (b"one", b"two", b"one"):
        files = {"a.j2": b"{% include 'b.j2' %}", "b.j2": text}
        assert renderer.file("apps/x/a.j2", "a.j2", files, {}) == text


def test_one_renderer_serves_many_threads() -> None:
    renderer = Renderer()
    source = "{% for x in range(1000) %}{{ n }}{% endfor %}"
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: renderer.inline("x", source, {"n": n}), range(64)))
    assert texts == [str(n) * 1000 for n in range(64)]

"""go.sum: what it pins, and where a module proxy has it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.images.go_modules.sums import GoFile, GoFileKind, GoSumError, escaped, parse_go_sum

HASH = base64.b64encode(bytes(range(32))).decode()
DIGEST = bytes(range(32)).hex()


def test_each_line_is_a_file_of_a_module() -> None:
    text = (
        f"github.com/BurntSushi/toml v0.3.1/go.mod h1:{HASH}\n"
        f"github.com/gofrs/uuid v4.4.0+incompatible h1:{HASH}\n\n"
        f"golang.org/x/exp v0.0.0-20240325151524-a685a6edb6d8 h1:{HASH}\n"
    )
    first, second, third = parse_go_sum(text.encode())
    assert first == GoFile("github.com/BurntSushi/toml", "v0.3.1", GoFileKind.MOD, DIGEST)
    assert first.path == "github.com/!burnt!sushi/toml/@v/v0.3.1.mod"
    assert second.url_path == "github.com/gofrs/uuid/@v/v4.4.0+incompatible.zip"
    assert third.kind is GoFileKind.ZIP and str(third) == "golang.org/x/exp@v0.0.0-20240325151524-a685a6edb6d8"


def test_the_same_line_twice_is_one_file() -> None:
    line = f"a.test/b v1.0.0 h1:{HASH}\n"
    assert len(parse_go_sum((line * 2).encode())) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.test/b v1.0.0", "line 1"),
        (f"a.test/b 1.0.0 h1:{HASH}", "line 1"),
        (f"../b v1.0.0 h1:{HASH}", "line 1"),
        (f"a.test/../b v1.0.0 h1:{HASH}", "line 1"),
        (f"/a/b v1.0.0 h1:{HASH}", "line 1"),
        (f"a.test/b v1.0.0/../../x h1:{HASH}", "line 1"),
        (f"a.test/b v1.0.0 h2:{HASH}", "line 1"),
        (f"a.test/b v1.0.0 h1:{HASH[:-4]}", "line 1"),
        (f"a.test/b v1.0.0 h1:{HASH}\na.test/b v1.0.0 h1:{HASH.replace('A', 'B')}", "line 2: another hash"),
        ("ä", "ASCII"),
    ],
)
def test_another_line_is_refused(line: str, reason: str) -> None:
    with pytest.raises(GoSumError, match=reason):
        parse_go_sum(line.encode())


@given(st.text(max_size=200))
def test_no_text_leads_out_of_a_folder(text: str) -> None:
    try:
        files = parse_go_sum(text.encode())
    except GoSumError:
        return
    assert all(".." not in file.path.split("/") and not file.path.startswith("/") for file in files)


@given(st.from_regex(r"[A-Za-z0-9]{1,10}", fullmatch=True), st.from_regex(r"[A-Za-z0-9]{1,10}", fullmatch=True))
def test_names_that_differ_only_in_case_do_not_meet_on_disk(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)
    assert escaped(one) == escaped(one).lower()

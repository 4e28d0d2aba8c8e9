"""Requirements files: pinned versions with hashes are read, and whatever else pip would follow is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.requirements import (
    MAX_REQUIREMENTS,
    RequirementsError,
    applicable,
    parse_requirements,
)
from support.checkout import APPS

ONE, TWO = "1" * 64, "2" * 64
BOOKWORM = PythonTarget("bookworm", Architecture.AMD64)


def parsed(text: str) -> list[str]:
    """Return what a text pins."""
    return [str(requirement) for requirement in parse_requirements(text.encode())]


def test_the_output_of_a_resolver_is_read_with_its_hashes_comments_and_continued_lines() -> None:
    text = f"""# made by a tool
Foo_Bar==1.0 \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{TWO}
    # via baz

baz[extra] == 2.0 ; python_version < "3.12" --hash=sha256:{TWO}  # why
"""
    first, second = parse_requirements(text.encode())
    assert (first.name, first.version, first.hashes, first.marker, first.line) == (
        "foo-bar",
        Version("1.0"),
        {ONE, TWO},
        None,
        2,
    )
    assert (str(second), second.hashes, second.marker) == ("baz==2.0", {TWO}, 'python_version < "3.12"')


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-r other.txt", "options such as '-r'"),
        ("-e .", "options such as '-e'"),
        ("--index-url https://evil.example/", "options such as '--index-url'"),
        ("--find-links /tmp", "options such as '--find-links'"),
        ("--no-binary :all:", "options such as '--no-binary'"),
        (f"--hash=sha256:{ONE}", "not a package"),
        (f"foo @ https://evil.example/foo.whl --hash=sha256:{ONE}", "URLs"),
        (f"git+https://evil.example/foo#egg=foo --hash=sha256:{ONE}", "URLs"),
        (f"./foo --hash=sha256:{ONE}", "local paths"),
        (f"/etc/passwd --hash=sha256:{ONE}", "local paths"),
        (f"file:///etc/passwd --hash=sha256:{ONE}", "URLs"),
        (f"${{HOME}}==1.0 --hash=sha256:{ONE}", "environment variables"),
        (f"foo==${{VERSION}} --hash=sha256:{ONE}", "environment variables"),
        (f"foo>=1.0 --hash=sha256:{ONE}", "not a package with one pinned version"),
        (f"foo --hash=sha256:{ONE}", "not a package with one pinned version"),
        (f"foo==1.* --hash=sha256:{ONE}", "not one exact version"),
        (f"foo===1.0 --hash=sha256:{ONE}", "not one exact version"),
        (f"foo==1.0,<2 --hash=sha256:{ONE}", "not one exact version"),
        (f"../foo==1.0 --hash=sha256:{ONE}", "local paths"),
        (f"foo/../bar==1.0 --hash=sha256:{ONE}", "not a package"),
        (f"fоo==1.0 --hash=sha256:{ONE}", "not a package"),  # noqa: RUF001 - a Cyrillic letter
        ("foo==1.0", "foo has no hash"),
        (f"foo==1.0 --hash=md5:{ONE}", "not a SHA-256 hash"),
        (f"foo==1.0 --hash=sha256:{ONE[:-1]}", "not a SHA-256 hash"),
        (f"foo==1.0 --hash=sha256:{ONE} --global-option=x", "not a SHA-256 hash"),
        (f"foo==1.0 --config-settings=a=b --hash=sha256:{ONE}", "not one exact version"),
        (f"foo==1.0; nonsense --hash=sha256:{ONE}", "not a marker"),
        (f"foo==1.0; extra == 'x' --hash=sha256:{ONE}", "extra"),
        (f"foo==1.0; {'(' * 99}os_name == 'posix'{')' * 99} --hash=sha256:{ONE}", "too long"),
        (f"foo==1.0 --hash=sha256:{ONE} \\", "ends within a continued line"),
    ],
)
def test_everything_else_is_refused_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(RequirementsError) as caught:
        parse_requirements(f"# a comment\n\n{line}\n".encode() if not line.endswith("\\") else f"\n\n{line}".encode())
    (problem,) = caught.value.problems
    assert problem.line == 3 and reason in problem.message


def test_a_comment_does_not_swallow_the_line_after_it() -> None:
    # pip joins these lines and drops the hash; here the second one stands alone, and is refused.
    with pytest.raises(RequirementsError, match=r"line 2.*not a package"):
        parse_requirements(f"foo==1.0 --hash=sha256:{ONE} # x \\\n--hash=sha256:{TWO}".encode())


def test_what_is_not_text_or_too_much_is_refused() -> None:
    with pytest.raises(RequirementsError, match=r"line 2: the text is not UTF-8"):
        parse_requirements(b"#\n\xff")
    many = "".join(f"p{number}==1 --hash=sha256:{ONE}\n" for number in range(MAX_REQUIREMENTS + 1))
    with pytest.raises(RequirementsError, match="too many packages"):
        parse_requirements(many.encode())


def test_markers_choose_for_the_images_python_and_a_package_is_there_once() -> None:
    old, new, windows = (
        f'foo==1.0; python_version < "3.12" --hash=sha256:{ONE}',
        f'foo==2.0; python_version >= "3.12" --hash=sha256:{ONE}',
        f'bar==1.0; sys_platform == "win32" --hash=sha256:{ONE}',
    )
    found = parse_requirements("\n".join((old, new, windows)).encode())
    assert [str(each) for each in applicable(found, BOOKWORM.environment)] == ["foo==1.0"]
    trixie = PythonTarget("trixie", Architecture.ARM64)
    assert [str(each) for each in applicable(found, trixie.environment)] == ["foo==2.0"]
    with pytest.raises(RequirementsError, match=r"line 2: foo is there twice, first in line 1"):
        applicable(parse_requirements(f"{old}\nFOO==3.0 --hash=sha256:{ONE}".encode()), BOOKWORM.environment)
    with pytest.raises(RequirementsError, match="cannot be evaluated"):
        applicable(
            parse_requirements(f'foo==1.0; python_version ~= "x" --hash=sha256:{ONE}'.encode()), BOOKWORM.environment
        )


LINES = st.lists(
    st.sampled_from(
        ["foo==1.0", "-r x", " ", "\\", "\n", "\r", "#", f"--hash=sha256:{ONE}", ";", "extra", "==", "[a]", "${X}", "@"]
    )
    | st.text(max_size=8),
    max_size=12,
)


@given(LINES)
def test_whatever_is_written_is_read_or_refused_and_reading_it_again_gives_the_same(words: list[str]) -> None:
    try:
        found = parse_requirements("".join(words).encode("utf-8", "surrogatepass"))
    except RequirementsError as error:
        assert error.problems and all(problem.line >= 1 for problem in error.problems)
        return
    for each in found:
        assert each.hashes
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in sorted(each.hashes))
        (again,) = parse_requirements(f"{each} {hashes}".encode())
        assert (again.name, again.version, again.hashes) == (each.name, each.version, each.hashes)


@pytest.mark.parametrize("app", ["electrumx", "lnbits", "nostr-relay", "specter"])
def test_the_files_of_the_projects_apps_are_read(app: str) -> None:
    assert len(parsed((APPS / app / "requirements.txt").read_text())) > 10

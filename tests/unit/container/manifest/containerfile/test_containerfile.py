"""Containerfiles: the documented subset gives plain steps, everything else is refused with its line and a way out."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archipelago.container.images.build.containerfile import config_of
from archipelago.container.manifest.containerfile.instructions import MAX_STEPS, ContainerfileError
from archipelago.container.manifest.containerfile.reader import INSTRUCTIONS, REFUSED, base_image, parse_containerfile
from archipelago.container.manifest.containerfile.steps import CopiedFile, CopyStep, ImageConfig, RunStep
from archipelago.container.manifest.package import load_package
from archipelago.container.podman_client.models import ImageDetails
from archipelago.docgen.manifest_reference import EXAMPLE_FOLDER

FILES = ("start", "greeting", "folder/one", "folder/deep/two", "Containerfile")
PINNED = f"registry.example/harbour/base@sha256:{'0' * 64}"
HEAD = "ARG BASE\nFROM $BASE\n"
INHERITED = ImageConfig(environment={"PATH": "/usr/bin"}, entrypoint=("/old",), command=("old",))


def steps(body: str, inherited: ImageConfig | None = INHERITED) -> tuple[RunStep | CopyStep, ...]:
    """Return the steps after the head."""
    return parse_containerfile(HEAD + body, FILES, has_base=True, inherited=inherited).steps


def config(body: str) -> ImageConfig:
    """Return what the image says at the end."""
    return parse_containerfile(HEAD + body, FILES, has_base=True, inherited=INHERITED).config


def refused(body: str, head: str = HEAD) -> ContainerfileError:
    """Return why a text is refused, when it is read before anything is there and when the image is known alike."""
    for inherited in (None, INHERITED):
        with pytest.raises(ContainerfileError) as error:
            parse_containerfile(head + body, FILES, has_base=head == HEAD, inherited=inherited)
    assert error.value.hint and str(error.value.line) in str(error.value)
    return error.value


def test_a_line_of_shell_and_a_list_of_words() -> None:
    shell, words, test = steps('RUN make && \\\n  # why\n\n  make install\nRUN ["/bin/make", "x y"]\nrun [ -f /x ]\n')
    assert isinstance(shell, RunStep) and isinstance(words, RunStep) and isinstance(test, RunStep)
    assert shell.command == ("/bin/sh", "-c", "make &&   make install") and shell.line == 3
    assert words.command == ("/bin/make", "x y")
    assert test.command == ("/bin/sh", "-c", "[ -f /x ]")


def test_a_step_has_the_settings_before_it() -> None:
    body = "ARG WHO=you\nENV GREETING=\"hello $WHO\" B='$WHO' C=\\$x D=${PATH}:/opt\nWORKDIR /srv\nWORKDIR app\n"
    body += "USER 10:20\nRUN x\nUSER root\n"
    *folders, run = steps(body)
    assert isinstance(run, RunStep)
    assert run.environment == {
        "PATH": "/usr/bin",
        "WHO": "you",
        "GREETING": "hello you",
        "B": "$WHO",
        "C": "$x",
        "D": "/usr/bin:/opt",
    }
    assert (run.workdir, run.user) == ("/srv/app", "10:20")
    assert [folder.directories for folder in folders if isinstance(folder, CopyStep)] == [("/srv",), ("/srv/app",)]
    assert "WHO" not in config(body).environment and config(body).user == "root"


def test_an_image_passes_on_no_label_that_would_become_one_of_the_nodes_own() -> None:
    labels = {"org.a/b_c-1": "x", "io.archipelago.base": "x", '"io.archipelago.base"': "x", "io.archipelago.base ": "x"}
    image = ImageDetails("", "", (), (), labels, 0, "", "", "", (), (), (), None)
    assert config_of(image).labels == {"org.a/b_c-1": "x"}


def test_what_the_image_says() -> None:
    said = config(
        'LABEL a="x y" org.b=1\nENTRYPOINT ["/start"]\nCMD serve it\nEXPOSE 80 53/udp\nEXPOSE 80\nENV PATH=/x:$PATH\n'
    )
    assert said == ImageConfig(
        environment={"PATH": "/x:/usr/bin"},
        labels={"a": "x y", "org.b": "1"},
        entrypoint=("/start",),
        command=("/bin/sh", "-c", "serve it"),
        exposed=("80/tcp", "53/udp"),
    )
    assert config("").entrypoint == ("/old",) and config("").command == ("old",)
    assert config('ENTRYPOINT ["/start"]').command == (), "the old command was for the old program"


@pytest.mark.parametrize(
    ("line", "files", "directories"),
    [
        ("COPY start /bin/start", [("start", "/bin/start", "start")], ()),
        ("COPY start /bin/", [("start", "/bin/start", "start")], ()),
        ("COPY start greeting /etc", [("start", "/etc/start", "start"), ("greeting", "/etc/greeting", "greeting")], ()),
        ('COPY ["start", "/a b"]', [("start", "/a b", "start")], ()),
        ("COPY ./start go", [("start", "/go", "start")], ()),
        (
            "COPY folder /srv",
            [("folder/deep/two", "/srv/deep/two", "two"), ("folder/one", "/srv/one", "one")],
            ("/srv",),
        ),
    ],
)
def test_files_of_the_apps_folder(line: str, files: list[tuple[str, str, str]], directories: tuple[str, ...]) -> None:
    [step] = steps(line)
    assert isinstance(step, CopyStep)
    assert step.files == tuple(CopiedFile(*each) for each in files) and step.directories == directories


def test_owner_and_mode_of_what_is_copied() -> None:
    [step] = steps("COPY --chown=10:20 --chmod=755 start /start")
    assert isinstance(step, CopyStep) and (step.uid, step.gid, step.mode) == (10, 20, 0o755)


def test_the_image_to_begin_with() -> None:
    assert base_image(HEAD) is None
    assert base_image(f"# comment\n\nFROM {PINNED}\nRUN x") == PINNED
    assert parse_containerfile(f"FROM {PINNED}", (), has_base=False).base == PINNED


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ("", 1, "no FROM"),
        ("RUN x\n", 1, "before FROM"),
        ("ARG VERSION=1\n", 1, "before FROM"),
        ("FROM debian:12\n", 1, "digest"),
        ("FROM scratch\n", 1, "digest"),
        (f"FROM {PINNED} AS build\n", 1, "digest"),
        (f"FROM --platform=linux/amd64 {PINNED}\n", 1, "digest"),
        ("\nFROM $BASE\n", 2, "not declared"),
        ("ARG BASE=debian\nFROM $BASE\n", 1, "before FROM"),
        ("ARG BASE\nFROM ${BASE:-debian}\n", 2, "digest"),
        ("# syntax=docker/dockerfile:1\n", 1, "directives"),
        ("# just a comment\n#escape=`\n", 2, "directives"),
        ("ARG BASE\nFROM $BASE\n", 1, "no 'base'"),
        ("\0", 1, "control"),
    ],
)
def test_another_beginning_is_refused(head: str, line: int, said: str) -> None:
    with pytest.raises(ContainerfileError, match=said) as error:
        parse_containerfile(head, FILES, has_base=False)
    assert error.value.line == line and error.value.hint


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("RUN --mount=type=bind,from=x,source=/,target=/x,rw ls", "--mount is not supported"),
        ("RUN \\\n --mount=type=cache,target=/x ls", "--mount is not supported"),
        ("run   --network=host ls", "--network is not supported"),
        ("RUN --security=insecure ls", "--security is not supported"),
        ("RUN cat <<EOF\nhello\nEOF", "here-document"),
        ("RUN", "no command"),
        ("RUN []", "no command"),
        ('RUN ["a", 1]', "no command"),
        ("COPY --from=docker.io/library/debian /etc/passwd /x", "--from is not supported"),
        ("COPY --link start /x", "--link is not supported"),
        ("COPY --chown=app start /x", "numbers"),
        ("COPY --chown=0:65536 start /x", "below|numbers"),
        ("COPY --chown=123456789012345678901234567890 start /x", "numbers"),
        ("COPY --chown=\u0661:0 start /x", "numbers"),
        ("USER 65536", "65536 is not one of the app's own"),
        ("USER app:70000", "is not one of the app's own"),
        ("USER 123456789012345678901234567890:0", "is not one of the app's own"),
        ("COPY --chmod=4755 start /x", "three octal"),
        ("COPY ../../etc/passwd /x", "no path"),
        ("COPY st* /x", "no path"),
        ("COPY missing /x", "there is no 'missing'"),
        ("COPY start ../x", "no path"),
        ('COPY ["start", "/x\\u0000y"]', "no path"),
        ('COPY ["start", "/\\ud800"]', "not UTF-8"),
        ('COPY ["\\udc80", "/x"]', "not UTF-8"),
        ('RUN ["/x", "\\ud800"]', "not UTF-8"),
        ('ENTRYPOINT ["/\\udfff"]', "not UTF-8"),
        ('CMD ["\\ud83d"]', "not UTF-8"),
        ("ENV A=\ud800", "not UTF-8"),
        ("LABEL a=\udc80", "not UTF-8"),
        ("COPY start", "source and a destination"),
        ("ADD https://example.org/x /x", "not supported"),
        ("ADD start /x", "not supported"),
        ("VOLUME /data", "not supported"),
        ('SHELL ["/bin/bash"]', "not supported"),
        ("HEALTHCHECK CMD x", "not supported"),
        ("ONBUILD RUN x", "not supported"),
        ("STOPSIGNAL 9", "not supported"),
        (f"FROM {PINNED}", "second image"),
        ("INCLUDE x", "no such instruction"),
        ("ARG VERSION", "nobody gives"),
        ("ENV key value", "name=value"),
        ("ENV 1=x", "name=value"),
        ("ENV a='x", "not closed"),
        ("ENV a=${b:-c}", "no variable"),
        ("LABEL io.archipelago.built=x", "not the app's"),
        ("LABEL '\"io.archipelago.base\"=x'", "no label's name"),
        ("LABEL 'io.archipelago.base =x'", "no label's name"),
        ("LABEL \"'io.podman.x'=x\"", "no label's name"),
        ("USER a b", "one word"),
        ("USER $(id)", "no variable"),
        ("EXPOSE 70000", "no port"),
        ("WORKDIR ../x", "no path"),
        ("RUN x\\", "goes on"),
        ("[x]", "no instruction"),
        ("ENV " + "a=b " * 20_000, "too large"),
        ("RUN x\n" * (MAX_STEPS + 1), "too many"),
    ],
)
def test_what_is_outside_of_the_subset_is_refused(body: str, said: str) -> None:
    with pytest.raises(ContainerfileError, match=said):
        raise refused(body)


def test_a_variable_that_nobody_set_is_refused_once_the_image_is_known() -> None:
    assert steps("WORKDIR /$UNKNOWN", None)
    with pytest.raises(ContainerfileError, match="no variable UNKNOWN"):
        steps("WORKDIR /$UNKNOWN")


def test_values_cannot_grow_without_bound() -> None:
    double = "".join(f"ENV A{number + 1}=$A{number}$A{number}\n" for number in range(40))
    assert "too long" in refused(f"ENV A0={'x' * 100}\n{double}").message
    many = f"ENV A={'x' * 30_000}\nENV B={'$A' * 15_000}"
    assert "too long" in refused(many).message


@given(st.text(st.sampled_from("RUNCOPYENVARG $\\'\"[]{}=/.\n#-<ab0\0\r\t")))
@example("RUN [" * 300)
@example("ENV a=\\")
def test_any_text_gives_steps_or_a_refusal_with_a_line_of_it(body: str) -> None:
    text = HEAD + body
    try:
        found = parse_containerfile(text, FILES, has_base=True, inherited=INHERITED)
    except ContainerfileError as error:
        assert 1 <= error.line <= text.count("\n") + 1 and error.message and error.hint
        return
    for step in found.steps:
        if isinstance(step, CopyStep):
            assert {file.source for file in step.files} <= set(FILES)
            for path in (*(file.path for file in step.files), *step.directories):
                assert path.startswith("/") and ".." not in path.split("/") and "\0" not in path


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50))
def test_any_text_survives_quotes(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    assert config(f'ENV A="{quoted}"').environment["A"] == value


def test_the_example_uses_every_instruction_and_each_refused_one_says_what_to_do_instead() -> None:
    package = load_package(EXAMPLE_FOLDER)
    text = package.files["Containerfile"].decode()
    assert {line.split(" ")[0] for line in text.splitlines() if line[:1].isupper()} == set(INSTRUCTIONS)
    found = parse_containerfile(text, package.files, has_base=True, inherited=INHERITED)
    assert len(found.steps) == 4 and found.config.command == ("--port", "7000")
    for word, hint in REFUSED.items():
        assert refused(f"{word} x\n").hint == hint

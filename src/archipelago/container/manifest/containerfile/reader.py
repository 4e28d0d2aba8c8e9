"""The subset of Containerfiles that an image can be built from, read into plain steps. Pure.

The instructions are those of Containerfile(5): FROM (`$BASE`, or an image by its digest, once), ARG, COPY from the
app's folder, RUN, ENV, WORKDIR, USER, LABEL, ENTRYPOINT, CMD and EXPOSE. Everything else is refused before anything is
built, in particular what would reach the host or the network (`RUN --mount`, `--network`, ADD, `COPY --from`,
`# syntax=`).
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from posixpath import basename, join, normpath
from typing import Final

from archipelago.container.manifest.containerfile.instructions import (
    CONTROL,
    ContainerfileError,
    Instruction,
    instructions,
)
from archipelago.container.manifest.containerfile.steps import (
    BuildStep,
    Containerfile,
    CopiedFile,
    CopyStep,
    ImageConfig,
    RunStep,
)
from archipelago.container.manifest.containerfile.words import WrongWord, is_own_id, is_utf8, split_words, substitute
from archipelago.container.manifest.model.scalars import IDS_PER_APP

SHELL: Final = ("/bin/sh", "-c")
IGNORE_FILES = frozenset({".containerignore", ".dockerignore"})

_HEREDOC = re.compile(r"<<-?\s*['\"]?[A-Za-z_]")
_PINNED = re.compile(r"[a-z0-9][a-z0-9.:/_-]*(?::[A-Za-z0-9_.-]+)?@sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_IDS = re.compile(r"([0-9]+)(?::([0-9]+))?")
_PORT = re.compile(r"([0-9]{1,20})(?:/(?:tcp|udp))?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9._/-]+")
_OWN_LABELS = ("io.archipelago.", "io.containers.", "io.podman.")
_LONGEST_PATH = 1000
_ANY_VALUE = "1"
"""Stands for a variable of an image that is not there yet; it is a valid path, user and port."""
INSTRUCTIONS: Mapping[str, str] = {
    "FROM": "Once: `FROM $BASE` after `ARG BASE` for the image of `base`, or an image by its digest (`name@sha256:…`).",
    "ARG": "`ARG name=value`: a variable of the build, for what follows.",
    "ENV": "`ENV name=value …`: a variable of the build and of the image.",
    "COPY": "`COPY [--chown=uid:gid] [--chmod=mode] source … target`, or a list: files and folders of the app's "
    "folder, without wildcards. They belong to root and have mode 0644.",
    "RUN": '`RUN line of shell` or `RUN ["program", "argument"]`: runs it in a throw-away container.',
    "WORKDIR": "The folder for what follows, and of the image; it is made.",
    "USER": "The user for what follows, and of the image, by name or number.",
    "LABEL": "`LABEL name=value …`",
    "EXPOSE": "`EXPOSE port[/tcp|udp] …`",
    "ENTRYPOINT": "The program, as for RUN; the manifest may name another.",
    "CMD": "Its arguments, likewise.",
}
"""What there is, in words for an author (Markdown)."""
REFUSED: Mapping[str, str] = {
    "ADD": "use COPY, which takes files of the app's folder; what comes from elsewhere must be put there first",
    "HEALTHCHECK": "describe it in the manifest, under 'health'",
    "MAINTAINER": "use LABEL",
    "ONBUILD": "write the instruction itself",
    "SHELL": 'use RUN with a list: RUN ["/bin/bash", "-c", "…"]',
    "STOPSIGNAL": "describe it in the manifest, under 'stop'",
    "VOLUME": "describe it in the manifest, under 'volumes'",
}


def base_image(text: str) -> str | None:
    """Return the image that a Containerfile starts with, by its digest; None for `$BASE`. Raises ContainerfileError."""
    return _Reader(None, frozenset()).begin(list(instructions(text)))[0]


def parse_containerfile(
    text: str, files: Collection[str], *, has_base: bool, inherited: ImageConfig | None = None
) -> Containerfile:
    """Return the steps of a Containerfile. Raises ContainerfileError.

    `files` are the paths of the app's folder, and `has_base` is whether its recipe has an image for `$BASE`.
    `inherited` is what the image to start from says. Without it, while there is none yet, any variable is taken to be
    one of that image, so that what is wrong otherwise is found early.
    """
    found = list(instructions(text))
    reader = _Reader(inherited, frozenset(files))
    base, rest = reader.begin(found)
    if base is None and not has_base:
        raise ContainerfileError(
            found[0].line, "the recipe has no 'base' for $BASE", "add it, or start from an image by its digest"
        )
    if base is not None and has_base:
        raise ContainerfileError(
            found[0].line,
            "the recipe's 'base' is not used",
            "start with 'ARG BASE' and 'FROM $BASE', or remove it",
        )
    if ignored := sorted(IGNORE_FILES & set(files)):
        raise ContainerfileError(1, f"{ignored[0]} is not read", "remove it, and name in COPY what is needed")
    steps = [step for instruction in rest if (step := reader.read(instruction)) is not None]
    return Containerfile(base, tuple(steps), reader.config)


class _Reader:
    """Reads instructions in order; what one of them sets holds for those after it."""

    def __init__(self, inherited: ImageConfig | None, files: frozenset[str]) -> None:
        self.config = inherited or ImageConfig()
        self._lenient = inherited is None
        self._files = files
        self._arguments: dict[str, str] = {}
        self._has_command = False
        self._settings = {
            "ARG": self._argument,
            "ENV": self._environment,
            "LABEL": self._label,
            "USER": self._user,
            "ENTRYPOINT": self._entrypoint,
            "CMD": self._default_command,
            "EXPOSE": self._expose,
        }

    def begin(self, instructions: list[Instruction]) -> tuple[str | None, list[Instruction]]:
        """Return the image to start from, and the instructions after FROM."""
        named = False
        for number, instruction in enumerate(instructions):
            if instruction.word == "ARG" and instruction.rest == "BASE":
                named = True
            elif instruction.word == "FROM":
                return self._from(instruction, named), instructions[number + 1 :]
            else:
                raise instruction.refused("it stands before FROM", "start with 'ARG BASE' and 'FROM $BASE'")
        line = instructions[-1].line if instructions else 1
        raise ContainerfileError(line, "there is no FROM", "start with 'ARG BASE' and 'FROM $BASE'")

    def read(self, instruction: Instruction) -> BuildStep | None:
        """Take an instruction into account; return what it has done, if that is more than a setting."""
        match instruction.word:
            case "RUN":
                return self._run(instruction)
            case "COPY":
                return self._copy(instruction)
            case "WORKDIR":
                return self._workdir(instruction)
            case word if word in self._settings:
                self._settings[word](instruction)
                return None
            case "FROM":
                raise instruction.refused("a second image", "build upon one image, in one stage")
            case word if word in REFUSED:
                raise instruction.refused("it is not supported", REFUSED[word])
            case _:
                raise instruction.refused("no such instruction", "see docs/manifest.md for those that there are")

    def _environment(self, instruction: Instruction) -> None:
        values = {**self.config.environment, **dict(self._pairs(instruction))}
        self.config = replace(self.config, environment=values)

    def _user(self, instruction: Instruction) -> None:
        user = self._one(instruction)
        if not _USER.fullmatch(user):
            raise instruction.refused(f"{user!r} is no user", "give 'name', 'uid', or either with ':group'")
        if not all(is_own_id(part) for part in user.split(":") if part.isdecimal()):
            raise instruction.refused(f"{user} is not one of the app's own", f"give ids below {IDS_PER_APP}")
        self.config = replace(self.config, user=user)

    def _entrypoint(self, instruction: Instruction) -> None:
        command = self.config.command if self._has_command else ()
        self.config = replace(self.config, entrypoint=self._command(instruction), command=command)

    def _default_command(self, instruction: Instruction) -> None:
        self.config = replace(self.config, command=self._command(instruction))
        self._has_command = True

    def _from(self, instruction: Instruction, named: bool) -> str | None:
        image = instruction.rest.strip()
        if image in ("$BASE", "${BASE}"):
            if not named:
                raise instruction.refused("$BASE is not declared", "write 'ARG BASE' before it")
            return None
        if not _PINNED.fullmatch(image):
            raise instruction.refused(
                f"{image!r} is neither $BASE nor an image by its digest",
                "write 'FROM $BASE' and describe 'base' in the manifest, or 'FROM registry/name@sha256:…'",
            )
        return image

    def _run(self, instruction: Instruction) -> RunStep:
        if instruction.rest.startswith("--"):
            flag = instruction.rest.split()[0].partition("=")[0]
            raise instruction.refused(
                f"{flag} is not supported", "a command has the files of the image, no network and no mount"
            )
        return RunStep(
            instruction.line,
            instruction.text,
            self._command(instruction),
            {**self._arguments, **self.config.environment},
            self.config.workdir,
            self.config.user,
        )

    def _command(self, instruction: Instruction) -> tuple[str, ...]:
        """Read a list of words (JSON), or else a line of shell."""
        text = instruction.rest.strip()
        if not text:
            raise instruction.refused("there is no command", "write one behind it")
        if text.startswith("["):
            words = _listed(instruction, text)  # None: as the test `[ … ]` of the shell
            if isinstance(words, list) and words and all(isinstance(word, str) and "\0" not in word for word in words):
                return tuple(words)
            if words is not None:
                raise instruction.refused("the list is no command", "give one or more texts in double quotes")
        if _HEREDOC.search(text):
            raise instruction.refused("a here-document is not supported", "put the text into a file and COPY it")
        return (*SHELL, text)

    def _copy(self, instruction: Instruction) -> CopyStep:
        rest, options = instruction.rest, {"chown": "0:0", "chmod": "0644"}
        while found := re.match(r"--([a-z-]+)(?:=(\S*))?(?:[ \t]+|$)", rest):
            if found[1] not in options:
                raise instruction.refused(f"--{found[1]} is not supported", "COPY takes files of the app's folder")
            options[found[1]], rest = found[2] or "", rest[found.end() :]
        words = self._texts(instruction, rest) or self._words(replace(instruction, rest=rest))
        if len(words) < 2:
            raise instruction.refused("it needs a source and a destination", "write 'COPY file /path/in/image'")
        owner, mode = _IDS.fullmatch(options["chown"]), options["chmod"]
        if owner is None or not all(map(is_own_id, filter(None, owner.groups()))):
            raise instruction.refused("--chown takes numbers", f"give 'uid:gid', each below {IDS_PER_APP}")
        if not re.fullmatch(r"0?[0-7]{3}", mode):
            raise instruction.refused("--chmod takes three octal digits", "such as --chmod=0755")
        uid, gid = owner[1], owner[2] or owner[1]
        files, directories = self._copied(instruction, words[:-1], words[-1])
        return CopyStep(instruction.line, instruction.text, files, directories, int(uid), int(gid), int(mode, 8))

    @staticmethod
    def _texts(instruction: Instruction, text: str) -> list[str]:
        words = _listed(instruction, text) if text.lstrip().startswith("[") else None
        return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else []

    def _copied(
        self, instruction: Instruction, sources: list[str], target: str
    ) -> tuple[tuple[CopiedFile, ...], tuple[str, ...]]:
        into = target.endswith("/") or len(sources) > 1 or target in (".", "..") or target.endswith("/.")
        target = self._absolute(instruction, target)
        files: list[CopiedFile] = []
        directories: list[str] = []
        for source in sources:
            name = normpath(source.lstrip("/"))
            if name.startswith("..") or set(source) & set("*?[\\"):
                raise instruction.refused(
                    f"{source!r} is no path in the app's folder", "name files and folders, without '..' and wildcards"
                )
            if name in self._files:
                path = join(target, basename(name)) if into else target
                files.append(CopiedFile(name, path, basename(name)))
                continue
            inner = sorted(each for each in self._files if name == "." or each.startswith(f"{name}/"))
            if not inner:
                raise instruction.refused(f"there is no {source!r} in the app's folder", "put it there")
            directories.append(target)
            prefix = 0 if name == "." else len(name) + 1
            files += (CopiedFile(each, join(target, each[prefix:]), basename(each)) for each in inner)
        return tuple(files), tuple(directories)

    def _argument(self, instruction: Instruction) -> None:
        name, equals, _ = instruction.rest.partition("=")
        if name == "BASE":
            return  # it is repeated after FROM to be seen there
        if not equals:
            raise instruction.refused("nobody gives it a value", f"write 'ARG {name.strip()}=value'")
        self._arguments |= dict(self._pairs(instruction))

    def _label(self, instruction: Instruction) -> None:
        pairs = dict(self._pairs(instruction, names=False))
        if wrong := next((key for key in pairs if not is_label_name(key)), None):
            raise instruction.refused(f"{wrong!r} is no label's name", "use letters, digits, '.', '_', '/' and '-'")
        if taken := next((key for key in pairs if key.lower().startswith(_OWN_LABELS)), None):
            raise instruction.refused(f"{taken} is not the app's", "choose a name with a domain of your own")
        self.config = replace(self.config, labels={**self.config.labels, **pairs})

    def _workdir(self, instruction: Instruction) -> CopyStep:
        path = self._absolute(instruction, self._one(instruction))
        self.config = replace(self.config, workdir=path)
        return CopyStep(instruction.line, instruction.text, (), (path,))

    def _expose(self, instruction: Instruction) -> None:
        ports = []
        for word in self._words(instruction):
            found = _PORT.fullmatch(word)
            if found is None or not 1 <= int(found[1]) <= 65535:
                raise instruction.refused(f"{word!r} is no port", "give 'port', 'port/tcp' or 'port/udp'")
            ports.append(word if "/" in word else f"{word}/tcp")
        self.config = replace(self.config, exposed=tuple(dict.fromkeys((*self.config.exposed, *ports))))

    def _absolute(self, instruction: Instruction, path: str) -> str:
        if ".." in path.split("/") or not path or len(path) > _LONGEST_PATH or CONTROL.search(path):
            raise instruction.refused(f"{path!r} is no path in the image", "give one without '..'")
        return normpath(join("/", self.config.workdir, path)).replace("//", "/")

    def _one(self, instruction: Instruction) -> str:
        words = self._words(instruction)
        if len(words) != 1:
            raise instruction.refused("it takes one word", "put quotes around a text with spaces")
        return words[0]

    def _pairs(self, instruction: Instruction, *, names: bool = True) -> Iterator[tuple[str, str]]:
        words = self._words(instruction)
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not key or (names and not _NAME.fullmatch(key)):
                raise instruction.refused(f"{word!r} is not of the form name=value", "write 'name=\"value\"'")
            yield key, value

    def _words(self, instruction: Instruction) -> list[str]:
        try:
            words = [substitute(word, self._value) for word in split_words(instruction.rest)]
        except WrongWord as error:
            raise instruction.refused(str(error), error.hint) from error
        if not words:
            raise instruction.refused("nothing follows", "see docs/manifest.md for what it takes")
        return words

    def _value(self, name: str) -> str | None:
        known = {**self._arguments, **self.config.environment}
        return known.get(name, _ANY_VALUE if self._lenient else None)


def is_label_name(name: str) -> bool:
    """Return whether a label may have this name: Podman takes quotes away, so that others may become another name."""
    return _LABEL_NAME.fullmatch(name) is not None


def _listed(instruction: Instruction, text: str) -> object:
    """Return what a list (JSON) has in it, None where it is none."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    # An escape may stand for one half of a character, of which no path and no argument can be made.
    if isinstance(words, list) and not all(is_utf8(word) for word in words if isinstance(word, str)):
        raise instruction.refused("a text of the list is not UTF-8", "write whole characters, or both of their halves")
    return words

"""Options of an app, and the configurations that it had."""

from datetime import datetime
from enum import StrEnum

from archipelago.container.manifest.model.scalars import Scalar
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class ConfigRevision(View):
    """A configuration that an app had from some time on. Who made it stands in the audit log."""

    number: int
    at: datetime
    why: str
    version: str | None
    """Of the app; null from its removal on."""
    options: dict[str, Scalar]
    """What the owner had set; all others had their defaults."""
    choices: dict[str, str]
    """Interface -> app that provides it."""


class SettingChange(View):
    """What is different between two configurations."""

    what: str
    """An option, `version`, or `provider of <interface>`."""
    before: Scalar | None
    """Null where it was not set."""
    after: Scalar | None


class OptionKind(StrEnum):
    """What an option takes."""

    BOOL = "bool"
    INT = "int"
    STRING = "string"
    CHOICE = "choice"


class OptionView(View):
    """An option of an app, as a form needs it."""

    name: str
    kind: OptionKind
    label: str
    help: str | None = None
    advanced: bool = False
    """Whether it is hidden until asked for."""
    default: Scalar
    value: Scalar
    """What is in force."""
    set_by_owner: bool = False
    demanded_by: tuple[str, ...] = ()
    """Apps that need this value."""
    minimum: int | None = None
    maximum: int | None = None
    unit: str | None = None
    pattern: str | None = None
    """Regular expression of Python that the whole text must match."""
    max_length: int | None = None
    choices: tuple[str, ...] = ()


class ConfigPreview(Translatable, View):
    """What a change of options would do."""

    changes: tuple[SettingChange, ...]
    """Values in force; those of other apps, which follow, are named `<app>: <option>`."""
    restarts: tuple[str, ...]
    """Apps that restart, this one among them where it does."""
    installs: tuple[str, ...] = ()
    """Apps of the catalog that are installed, since this one needs them with these options."""
    plan: str = ""
    """What stands for what is installed, packages included: given back with the change, it must be the same then.
    Empty where nothing is."""
    interrupts: tuple[str, ...] = ()
    """Apps that run on, and miss what they use while others restart."""
    data: tuple[Prose, ...] = ()
    """Sentences about data: what stays for the former value, what is used instead, and whether the disk suffices."""

"""Parts of the manifest about values: options that the owner sets, their rules, and secrets that the node makes."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Key, LongText, Scalar, ShortText


class BaseOption(Part):
    """What all kinds of option have."""

    label: ShortText
    """Name shown to the owner."""
    help: LongText | None = None
    """Sentence that explains the option."""
    advanced: bool = False
    """Whether the option is hidden until asked for."""


class BoolOption(BaseOption):
    """A switch."""

    type: Literal["bool"]
    """Always `bool` for this kind of option."""
    default: bool
    """Value until the owner sets one."""


class IntOption(BaseOption):
    """A whole number."""

    type: Literal["int"]
    """Always `int` for this kind of option."""
    default: int
    """Value until the owner sets one; within the bounds."""
    minimum: int | None = None
    """Smallest value that is allowed."""
    maximum: int | None = None
    """Largest value that is allowed."""
    unit: Annotated[str, StringConstraints(max_length=20)] | None = None
    """Unit shown to the owner, such as `MiB` or `blocks`."""


class StringOption(BaseOption):
    """A text."""

    type: Literal["string"]
    """Always `string` for this kind of option."""
    default: Annotated[str, StringConstraints(max_length=4096)]
    """Value until the owner sets one; one line."""
    pattern: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """Regular expression that the whole text must match."""
    form: ShortText | None = None
    """What the pattern asks for, in words for the owner, such as `lower case letters and digits`."""
    max_length: Annotated[int, Field(ge=1, le=4096)] = 200
    """Most characters that a value may have."""


class ChoiceOption(BaseOption):
    """One of several named values."""

    type: Literal["choice"]
    """Always `choice` for this kind of option."""
    default: str
    """Value until the owner sets one; one of the choices."""
    choices: tuple[ShortText, ...] = Field(min_length=1, max_length=50)
    """The values that are allowed."""


Option = Annotated[BoolOption | IntOption | StringOption | ChoiceOption, Field(discriminator="type")]


class OptionRule(Part):
    """A rule between options: when all of `when` hold, all of `require` must hold as well."""

    when: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that make the rule apply."""
    require: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that they must have then."""
    because: ShortText
    """Reason, shown to the owner when the rule is broken."""


class SecretKind(StrEnum):
    """How a secret is made."""

    PASSWORD = "password"  # noqa: S105
    """Letters and digits, easy to copy."""
    HEX = "hex"
    """Hexadecimal digits."""
    TOKEN = "token"  # noqa: S105
    """URL-safe base64."""
    KEYPAIR = "keypair"
    """Private Ed25519 key (PEM, PKCS #8); the filter `public_key` gives its public half (PEM)."""
    AEZEED = "aezeed"
    """24 words of a new Lightning wallet, as LND takes them; the node never replaces them."""

    @property
    def words(self) -> int | None:
        """Number of its words, which open money and which its owner needs on paper; None for other secrets."""
        return 24 if self is SecretKind.AEZEED else None


class GeneratedSecret(Part):
    """A secret that the node makes when the app is installed."""

    kind: SecretKind = SecretKind.PASSWORD
    """Form of the secret."""
    bytes: Annotated[int, Field(ge=16, le=128)] = 32
    """Random bytes behind the secret; a keypair and an aezeed have their own number."""
    permanent: bool = False
    """Whether the app cannot change it any more once it has used it, such as the password of a wallet."""

    @property
    def stays(self) -> bool:
        """Whether it is never replaced: with another one, the app would not open what it has."""
        return self.permanent or self.kind is SecretKind.AEZEED

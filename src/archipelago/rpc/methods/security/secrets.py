"""Methods about the secrets of apps."""

from typing import Annotated

from pydantic import Field, SecretStr

from archipelago.api.apps import ChangePreview
from archipelago.api.operations import Operation
from archipelago.api.security import SecretView
from archipelago.api.services.security import AppSecretService, SeedWordService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Agreed
from archipelago.storage.records.permissions import Permission

family = Family()
SecretName = Annotated[str, Field(min_length=1, max_length=200)]


class SecretsParams(Params):
    """An app."""

    app: AppId


class SecretParams(SecretsParams):
    """A secret of an app."""

    name: SecretName


class AgreedParams(SecretsParams):
    """What a change of secrets does to others."""

    agreed: Agreed | None = None
    """Apps of which the caller knows that they may restart (`secret-preview`); where others may, nothing is changed."""


class SetParams(AgreedParams, SecretParams):
    """A value for a secret of an app."""

    value: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
    """One line; of a keypair a private key (Ed25519, PEM), as it is in its file."""


class PlacedWord(Params):
    """A word, and where it stands."""

    place: Annotated[int, Field(ge=1, le=24)]
    """Counts from 1."""
    word: Annotated[SecretStr, Field(max_length=40)]


class ConfirmParams(SecretParams):
    """Some of the words of a secret."""

    words: Annotated[tuple[PlacedWord, ...], Field(min_length=3, max_length=24)]
    """Of at least three places."""


class ChosenParams(SecretsParams):
    """Which secrets of an app."""

    name: SecretName | None = None
    """One of them; all of them, the logins of its consumers too, when left out."""


class RotateParams(AgreedParams, ChosenParams):
    """Which secrets are replaced."""


@family.method("secret-list", "List the secrets of an app by name", permission=Permission.MANAGE)
async def _list(secrets: AppSecretService, params: SecretsParams) -> tuple[SecretView, ...]:
    return await secrets.secrets(params.app)


@family.method(
    "secret-show", "Return a secret of an app", permission=Permission.ADMINISTER, recorded=True, confirms=True
)
async def _show(secrets: AppSecretService, params: SecretParams) -> str:
    return await secrets.reveal_secret(params.app, params.name)


@family.method(
    "secret-confirm",
    "Show that the words of a secret are on paper, by some of them; then the node reminds of it no longer",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _confirm(words: SeedWordService, params: ConfirmParams) -> None:
    given = {each.place: each.word.get_secret_value() for each in params.words}
    await words.confirm_words(params.app, params.name, given)


@family.method("secret-preview", "Say which apps may restart where secrets change", permission=Permission.MANAGE)
async def _preview(secrets: AppSecretService, params: ChosenParams) -> ChangePreview:
    return await secrets.secrets_preview(params.app, params.name)


@family.method(
    "secret-set",
    "Give a secret of an app a value of the owner's; what uses it restarts",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _set(secrets: AppSecretService, params: SetParams) -> Operation:
    return await secrets.set_secret(params.app, params.name, params.value.get_secret_value(), params.agreed)


@family.method(
    "secret-rotate",
    "Generate secrets of an app again; what uses them restarts",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _rotate(secrets: AppSecretService, params: RotateParams) -> Operation:
    return await secrets.rotate_secrets(params.app, params.name, params.agreed)

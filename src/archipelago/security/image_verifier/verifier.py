"""Checks who signed an image before it is pulled, and remembers whom this node takes images from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit.chain import NODE, AuditAction, Outcome
from archipelago.security.image_verifier.policy import ANY, UNSIGNED, Decision, decide
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.image_verifier.signature import BadSignature, ImageName, image_name
from archipelago.security.image_verifier.signers import KEYLESS, Signer
from archipelago.storage.records.signers import SignerRule
from archipelago.storage.stores.signers import SignerStore
from archipelago.support.texts.text import msg

_FINGERPRINT_DIGITS = 64
_ROUNDS = 3
"""How often an image is looked at again because the owner has changed the rules meanwhile."""


class ImageVerifier:
    """Decides about images. Every refusal is a `NodeError`, and is on record."""

    def __init__(
        self, registries: RegistryClient, store: SignerStore, record: Callable[[AuditAction], Awaitable[int]]
    ) -> None:
        self._registries = registries
        self._store = store
        self._record = record
        self._turn = asyncio.Lock()

    async def verify(self, app: str, reference: str, claimed: Signer | None) -> None:
        """Return if the image may be used; `claimed` is the signer that the app's manifest names."""
        name = image_name(reference)
        signer = None
        try:
            signer = claimed.name if claimed is not None else None
            # One at a time: what is pinned by the first image holds for the second.
            async with self._turn:
                for _ in range(_ROUNDS):
                    if await self._accept(app, name, claimed):
                        return
                raise BadSignature(msg("whom images are taken from was changed at the same moment"))
        except BadSignature as error:
            await self._note(app, name, signer, Outcome.REFUSED, str(error))
            hint = msg("ask the publisher of the app; the image is not used")
            if signer is None or "until now" in str(error) or "must be signed" in str(error):
                hint = decide(await self._rules(), name.publisher, signer).hint or hint
            raise NodeError(
                ErrorCode.IMAGE,
                msg("the image of {app} is refused: {error}", app=app, error=error),
                hint=hint,
                data={"app": app, "publisher": name.publisher, "signer": signer or UNSIGNED},
            ) from error

    async def rules(self) -> tuple[SignerRule, ...]:
        """Return whom this node takes images from."""
        return await self._store.rules()

    async def accept(self, publisher: str, signer: str) -> None:
        """From now on take images of a publisher, or of a registry, from this signer; `any`: whoever signs the next."""
        known = signer in (ANY, UNSIGNED) or signer.startswith(KEYLESS)
        if not known and (len(signer) != _FINGERPRINT_DIGITS or not set(signer) <= set("0123456789abcdef")):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{signer} is no signer", signer=f"{signer[:80]!r}"),
                hint=msg(
                    "give {fingerprint_digits} digits of a key's fingerprint, '{keyless}…', '{unsigned}' or '{any}'",
                    fingerprint_digits=_FINGERPRINT_DIGITS,
                    keyless=KEYLESS,
                    unsigned=UNSIGNED,
                    any=ANY,
                ),
            )
        await self._store.pin(publisher, signer)

    async def forget(self, publisher: str) -> None:
        """Forget whom images of a publisher came from."""
        await self._store.forget(publisher)

    async def _accept(self, app: str, name: ImageName, claimed: Signer | None) -> bool:
        """Return whether an image may be used by the rules that hold at the end, too; raises `BadSignature`.

        To ask a registry takes a while, in which the owner may decide otherwise: his rule must not be overwritten.
        """
        signer = claimed.name if claimed is not None else None
        rules = await self._rules()
        decision = decide(rules, name.publisher, signer)
        if decision.refused:
            raise BadSignature(decision.refused)
        if claimed is not None and not await self._store.was_verified(name.digest, str(signer)):
            await claimed.check(name, self._registries)
        return await self._keep(app, name, signer, decision, rules)

    async def _rules(self) -> dict[str, str]:
        return {rule.publisher: rule.signer for rule in await self._store.rules()}

    async def _keep(
        self, app: str, name: ImageName, signer: str | None, decision: Decision, rules: Mapping[str, str]
    ) -> bool:
        """Write down what was decided, where the rules are still those by which it was; return whether they are."""
        if decision.pin is None and (signer is None or await self._store.was_verified(name.digest, signer)):
            return await self._rules() == rules
        await self._note(app, name, signer, Outcome.DONE, "first of its publisher" if decision.pin else "")
        pinned = (decision.pin, signer or UNSIGNED) if decision.pin is not None else None
        return await self._store.settle(rules, (name.digest, signer) if signer is not None else None, pinned)

    async def _note(self, app: str, name: ImageName, signer: str | None, outcome: Outcome, detail: str) -> None:
        subject = {"app": app, "publisher": name.publisher, "digest": name.digest, "signer": signer or UNSIGNED}
        action = "image-accept" if outcome is Outcome.DONE else "image-refuse"
        await self._record(
            AuditAction(who=NODE, origin="", action=action, subject=subject, outcome=outcome, detail=detail[:200])
        )

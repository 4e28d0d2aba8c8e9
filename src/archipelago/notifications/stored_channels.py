"""What a stored channel says; another version may have written what this one does not know. Pure."""

from pydantic import ConfigDict, TypeAdapter, ValidationError

from archipelago.api.notice_channels import Least, Target
from archipelago.storage.records.notice_channels import ChannelRecord
from archipelago.support.texts.translation import Language

# Built where there is a channel: it takes 1 MB.
_TARGET: TypeAdapter[Target] = TypeAdapter(Target, config=ConfigDict(defer_build=True))


def target_of(record: ChannelRecord) -> Target | None:
    """Return where a channel leads; None where this version cannot read it."""
    try:
        return _TARGET.validate_json(record.target)
    except ValidationError:
        return None


def least_of(record: ChannelRecord) -> Least:
    """Return from which level on a channel is sent notices: warnings where this version does not know the level."""
    return Least(record.least) if record.least in frozenset(Least) else Least.WARNING


def language_of(record: ChannelRecord) -> Language:
    """Return the language of a channel's messages: English where this version does not know the one that is stored."""
    return Language(record.language) if record.language in frozenset(Language) else Language.EN

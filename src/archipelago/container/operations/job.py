"""A job: one kind of operation. Each kind is one class, in a file of its own in `jobs`."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


class Job(BaseModel):
    """What is stored of an operation, what it does, and what a cancel brings back.

    The fields are the `arguments` in the operation's row, which an operation is resumed from after a crash, perhaps by
    another version of the node. A field that an older row does not have gets its default: that must be what its absence
    meant then. A field that is not known is ignored. Raise the default of `version` where a field changes its meaning.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    kind: ClassVar[str]
    """Name of the kind, in the row and in the API (`OperationKind`)."""

    app: str = Field(exclude=True)
    """The app that it is about; a column of its own in the row."""
    version: int = 1
    """Of the shape of the stored fields; rows that were written before there was a version have 0."""
    apps: tuple[str, ...] = ()
    """The apps that it works on, in the order in which they start or stop; `touches` adds its own."""

    @classmethod
    def load(cls, app: str, arguments: Mapping[str, Any]) -> Self:
        """Return the job of a row. Raises `NodeError` where the row cannot be read."""
        try:
            return cls.model_validate({"version": 0, **arguments, "app": app})
        except ValidationError as error:
            fields = ", ".join(sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]}))
            raise NodeError(
                ErrorCode.INTERNAL,
                msg(
                    "the {kind} of {app} cannot be resumed: what was stored of it cannot be read ({fields})",
                    kind=cls.kind,
                    app=app,
                    fields=fields,
                ),
                hint=msg("ask for it again"),
            ) from error

    @property
    def arguments(self) -> dict[str, Any]:
        """What is stored, as JSON: `load` makes the same job of it."""
        return self.model_dump(mode="json")

    @property
    def suspended(self) -> frozenset[str]:
        """The apps that must not run from the start of the node on, until the job that a crash cut off lets them.

        A version that cannot read a stage does not keep its apps down. So a new stage in which data moves needs a
        migration of the tables, which earlier versions refuse.
        """
        return frozenset()

    @property
    def touches(self) -> frozenset[str]:
        """The apps that it locks: no other operation works on one of them meanwhile."""
        return frozenset((self.app, *self.apps))

    async def completed(self, parts: JobParts) -> Self:
        """Return the job with what an older row left open, found out now. Raises `NodeError`."""
        return self

    @abstractmethod
    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Do the work; after a crash it is done again from the start. Raises `NodeError` or `PodmanError`."""

    async def undo(self, parts: JobParts) -> None:
        """Bring back what was before, once the owner has cancelled; nothing where nothing was changed."""

"""The tree of errors this package raises on purpose.

::

    ModerationError
    ├── SourceError         an input cannot be opened, unpacked or decoded
    │   └── NothingToRead   it is empty, or no text and nothing else that is read
    ├── ParseError          an input is not what its format promises
    │   └── UnknownFormat   it is none of the formats that are read
    ├── DataError           the comments read do not allow what was asked
    ├── PolicyError         a policy says what cannot be, or a file of it
    ├── ModelError          a model on disk is not to be used
    │   ├── ModelNotFound   there is none, or its manifest is missing
    │   ├── ModelTampered   the file is not the one its manifest describes
    │   ├── ModelUnsafe     the file holds something other than a scorer
    │   └── ModelMismatch   other versions made it than the ones running here
    ├── KeysError           API keys that cannot be read, made or revoked
    ├── OutputError         a result cannot be written
    ├── MissingPackage      an optional package is not installed
    ├── SpoolError          the file of what is still to be delivered cannot be used
    │   └── SpoolFull       as much waits in it as may
    ├── ClusterError        the machines that share the work cannot be used
    ├── ServiceError        the service cannot be started as it is set up
    └── ReviewError         a decision that the review queue does not allow

Messages say what was found, what was expected and what to do; never the text of a comment.
"""


class ModerationError(Exception):
    """Base of every error this package raises on purpose."""


class SourceError(ModerationError):
    """An input cannot be opened, unpacked or decoded."""


class NothingToRead(SourceError):
    """An input is empty, or is neither text nor anything else that is read here."""


class ParseError(ModerationError):
    """An input does not have the shape its format promises."""

    def __init__(self, message: str, *, row: int | None = None) -> None:
        super().__init__(message if row is None else f"row {row}: {message}")
        self.row = row


class UnknownFormat(ParseError):
    """An input is none of the formats that are read here, or may be several."""


class DataError(ModerationError):
    """The comments read do not allow what was asked of them."""


class PolicyError(ModerationError):
    """A policy, or a file that describes one, says what cannot be; `line` is where, from 1."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line


class ModelError(ModerationError):
    """A model on disk is not to be used."""


class ModelNotFound(ModelError):
    """There is no model here, or no manifest beside it."""


class ModelTampered(ModelError):
    """The file is not the one its manifest describes."""


class ModelUnsafe(ModelError):
    """The file holds something other than the parts of a scorer."""


class ModelMismatch(ModelError):
    """Other versions made the model than the ones running here."""


class KeysError(ModerationError):
    """API keys cannot be read, or one cannot be made or revoked."""


class OutputError(ModerationError):
    """A result cannot be written where it was asked for."""


class MissingPackage(ModerationError):
    """What was asked for needs an optional package that is not installed."""


class ReviewError(ModerationError):
    """A decision that the review queue does not allow."""


class SpoolError(ModerationError):
    """The file that keeps what is still to be delivered cannot be used."""


class SpoolFull(SpoolError):
    """As much waits to be delivered as may: nothing more is taken in."""


class ServiceError(ModerationError):
    """The service cannot be started as it is set up."""


class ClusterError(ModerationError):
    """The cluster that shares the work cannot be reached, opened or kept."""

"""`read_configuration(path)`: what a site sets for its service, in a TOML file."""

from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from moderation.errors import ServiceError

MOST_COMMENTS = 1000
"""Comments of one request to the service's own API."""


AtLeastOne: TypeAlias = Annotated[int, Meta(ge=1)]


class Labels(Struct, forbid_unknown_fields=True):
    """How suggestions are understood."""

    removals: list[str] = field(default_factory=list)
    """Attributes whose suggestions are the site's decisions to remove (1) or approve (0)."""
    house_rule: str = "other"
    """The house rule of removals that name none."""


class Coral(Struct, forbid_unknown_fields=True):
    """How verdicts are put to Coral."""

    codes: dict[str, str] = field(default_factory=dict)
    """Coral's rejection code for house rules."""


class OpenAI(Struct, forbid_unknown_fields=True):
    """How OpenAI's categories are filled."""

    categories: dict[str, str] = field(default_factory=dict)
    """The head behind a category; '' for none."""


class Quota(Struct, forbid_unknown_fields=True):
    """How many comments a key may have scored."""

    per_minute: Annotated[int, Meta(ge=1)] | None = None
    """For keys that have no quota of their own; None is off."""


class Limits(Struct, forbid_unknown_fields=True):
    """What one request may ask of the service."""

    body_bytes: AtLeastOne = 8 * 1024 * 1024
    comment_bytes: AtLeastOne = 512 * 1024
    """Of a request about one comment, with what it is about."""
    bodies_bytes: AtLeastOne = 256 * 1024 * 1024
    """Of the large bodies of all requests together, until they are answered."""
    body_seconds: Annotated[float, Meta(gt=0)] = 10.0
    """Time for a request's body to arrive."""
    labels_waiting: AtLeastOne = 100_000
    """Labels that may wait for the database before more are refused."""


class Configuration(Struct, forbid_unknown_fields=True):
    """A site's settings for the service; all may be left out."""

    attributes: dict[str, str] = field(default_factory=dict)
    """The head behind a name that clients ask for."""
    labels: Labels = field(default_factory=Labels)
    coral: Coral = field(default_factory=Coral)
    openai: OpenAI = field(default_factory=OpenAI)
    quota: Quota = field(default_factory=Quota)
    limits: Limits = field(default_factory=Limits)


def read_configuration(path: Path | None) -> Configuration:
    """
    Return what a file sets, or the defaults where none is named.

    Raises:
        ServiceError: it cannot be read, or says what cannot be.

    """
    if path is None:
        return Configuration()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Configuration)
    except OSError as error:
        raise ServiceError(
            f"{path}: cannot be read ({error.strerror}); expected a TOML file"
        ) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ServiceError(f"{path}: {error}; see 'The service' in the README") from error

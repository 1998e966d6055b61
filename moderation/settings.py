"""Reads the environment once into one frozen `Settings`; the only reader of `os.environ`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where things are, with the defaults of a clone: all relative to the current folder."""

    data: Path = Path("data")
    """`MODERATION_DATA`: the folder of pages and exports that training and the app open on."""
    model: Path = Path("models/moderation.joblib")
    """`MODERATION_MODEL`: the model that the app loads."""
    base: Path = Path("models/base.joblib")
    """`MODERATION_BASE`: the model that training begins with."""
    database_url: str = "sqlite:///data/review.db"
    """`MODERATION_DATABASE_URL`: where decisions are stored, as SQLAlchemy spells addresses."""
    moderator: str | None = None
    """`MODERATION_MODERATOR`: the name decisions are recorded under, until another is typed."""


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process, or those of the mapping given; empty counts as unset."""
    given = os.environ if environment is None else environment
    default = Settings()
    return Settings(
        data=Path(given.get("MODERATION_DATA") or default.data),
        model=Path(given.get("MODERATION_MODEL") or default.model),
        base=Path(given.get("MODERATION_BASE") or default.base),
        database_url=given.get("MODERATION_DATABASE_URL") or default.database_url,
        moderator=given.get("MODERATION_MODERATOR", "").strip() or None,
    )

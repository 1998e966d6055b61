"""Reads the environment once into one frozen `Settings`; the only reader of `os.environ`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    policy: Path | None = None
    """`MODERATION_POLICY`: the rules that the desk shows; without, what the model suggests."""
    leads: frozenset[str] = frozenset()
    """`MODERATION_LEADS`: the addresses of those who lead, with commas between."""
    keys: Path = Path("data/keys.json")
    """`MODERATION_KEYS`: the API keys of the service."""
    service: Path | None = None
    """`MODERATION_SERVICE`: what the site sets for its service, a TOML file."""
    spool: Path = Path("data/spool.db")
    """`MODERATION_SPOOL`: where labels wait until the database has them."""
    coral_secrets: tuple[str, ...] = field(default=(), repr=False)
    """`MODERATION_CORAL_SECRETS`: what Coral signs with, with spaces between; never shown."""
    perspective_key: str | None = field(default=None, repr=False)
    """`MODERATION_PERSPECTIVE_KEY`: what the Perspective API knows us by; never shown."""


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process that is to have these settings."""
    given = {f"MODERATION_{name.upper()}": value for name, value in vars(settings).items()}
    return {**os.environ, **{name: _as_text(value) for name, value in given.items()}}


def _as_text(value: object) -> str:
    """Return a setting as `read_settings` takes it."""
    if isinstance(value, tuple | frozenset):
        return (" " if isinstance(value, tuple) else ",").join(sorted(map(str, value)))
    return "" if value is None else str(value)


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
        policy=Path(policy) if (policy := given.get("MODERATION_POLICY")) else None,
        leads=frozenset(map(str.strip, given.get("MODERATION_LEADS", "").split(","))) - {""},
        keys=Path(given.get("MODERATION_KEYS") or default.keys),
        service=Path(service) if (service := given.get("MODERATION_SERVICE")) else None,
        spool=Path(given.get("MODERATION_SPOOL") or default.spool),
        coral_secrets=tuple(given.get("MODERATION_CORAL_SECRETS", "").split()),
        perspective_key=given.get("MODERATION_PERSPECTIVE_KEY", "").strip() or None,
    )

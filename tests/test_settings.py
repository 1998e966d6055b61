"""What the environment sets."""

from pathlib import Path

import pytest

from moderation.settings import Settings, as_environment, read_settings


def test_an_empty_environment_gives_the_defaults_of_a_clone():
    assert read_settings({}) == Settings(
        data=Path("data"),
        model=Path("models/moderation.joblib"),
        database_url="sqlite:///data/review.db",
        moderator=None,
    )


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("MODERATION_DATA", "/srv/pages", "data", Path("/srv/pages")),
        ("MODERATION_MODEL", "other.joblib", "model", Path("other.joblib")),
        ("MODERATION_DATABASE_URL", "sqlite:///other.db", "database_url", "sqlite:///other.db"),
        ("MODERATION_KEYS", "/srv/keys.json", "keys", Path("/srv/keys.json")),
        ("MODERATION_MODERATOR", " anna ", "moderator", "anna"),
        ("MODERATION_PERSPECTIVE_KEY", "k3y\n", "perspective_key", "k3y"),
    ],
)
def test_each_variable_sets_its_field(monkeypatch, variable, value, field, expected):
    monkeypatch.setenv(variable, value)
    assert getattr(read_settings(), field) == expected
    assert getattr(read_settings({variable: value}), field) == expected


@pytest.mark.parametrize(
    "variable",
    ["MODERATION_DATA", "MODERATION_MODEL", "MODERATION_DATABASE_URL", "MODERATION_MODERATOR"],
)
def test_an_empty_variable_counts_as_unset(variable):
    """An empty folder name would mean the current one, with everything in it."""
    assert read_settings({variable: ""}) == Settings()


@pytest.mark.parametrize("moderator", [None, "anna"])
def test_a_process_can_be_given_them(monkeypatch, moderator):
    monkeypatch.setenv("MODERATION_MODERATOR", "ben")
    monkeypatch.setenv("TULIP", "red")
    given = Settings(model=Path("m.joblib"), moderator=moderator)
    environment = as_environment(given)
    assert read_settings(environment) == given
    assert environment["TULIP"] == "red"


def test_a_key_is_not_shown_with_the_settings():
    assert "k3y" not in repr(Settings(perspective_key="k3y"))

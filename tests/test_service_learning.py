"""A site's decisions come as suggestions, and the next model scores by them."""

import time

import numpy as np

from moderation import train
from moderation.artifacts import load_model
from tests.conftest import REPOSITORY
from tests.services import run_service

PLACES = ("harbour", "station", "market", "library", "garden", "bridge", "theatre", "museum")
TIMES = ("morning", "evening", "Monday", "weekend", "autumn")
REMOVED, APPROVED = "quokka", "wombat"


def write_comments(word: str) -> list[str]:
    return [f"At the {place} on a {time} we met a {word}." for place in PLACES for time in TIMES]


def send(running, texts: list[str], *, value: int) -> None:
    for number, text in enumerate(texts):
        body = {
            "comment": {"text": text},
            "attributeScores": {"LIKELY_TO_REJECT": {"summaryScore": {"value": value}}},
            "communityId": "news.example",
            "clientToken": f"{value}-{number}",
        }
        answer = running.post("/v1alpha1/comments:suggestscore", body, scope="label")
        assert answer.status_code == 200
    while running.get("/readyz").json()["labels_waiting"]:
        time.sleep(0.05)


def test_what_a_site_suggests_changes_the_next_models_scores(trained, tmp_path):
    """The old model knows neither word; the new one does, and for the rest changes little."""
    with run_service(tmp_path, trained) as running:
        send(running, write_comments(REMOVED), value=1)
        send(running, write_comments(APPROVED), value=0)
        database = running.settings.database_url
    out = tmp_path / "next.joblib"
    data = str(REPOSITORY / "data/archive")
    assert train.main([data, "--decisions", database, "--base", "none", "--out", str(out)]) == 0
    before, after = load_model(trained), load_model(out)
    asked = [f"Yesterday there was a {word} at the town hall." for word in (REMOVED, APPROVED)]
    change = after.score(asked) - before.score(asked)
    assert change[0] > 0.3
    assert change[1] < 0.05
    others = ["The council met again.", "Thank you for the report."]
    assert np.abs(after.score(others) - before.score(others)).max() < 0.2

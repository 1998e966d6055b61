"""Labels that come over HTTP: kept at once and delivered to the desk, or not kept at all."""

import json
import time
from pathlib import Path

import pytest

from moderation import review
from moderation.database import open_store
from moderation.delivery import Delivered
from moderation.policy import Action
from moderation.tables import Outcome
from tests.services import run_service

TEXT = "The tram was late again, said the wombat."


@pytest.fixture
def running(trained, tmp_path):
    with run_service(tmp_path, trained) as running:
        yield running


def suggest(value, *, attribute="LIKELY_TO_REJECT", text=TEXT, **more) -> dict:
    score = {attribute: {"summaryScore": {"value": value}}}
    return {"comment": {"text": text}, "attributeScores": score, **more}


def send(running, body: dict):
    return running.post("/v1alpha1/comments:suggestscore", body, scope="label")


def wait_until_delivered(running) -> None:
    for _ in range(200):
        if running.get("/readyz").json()["labels_waiting"] == 0:
            return
        time.sleep(0.05)
    pytest.fail("labels still wait")


def history(running) -> list[tuple[str, str, str]]:
    """Return (comment's id, action, who) of all decisions, earliest first."""
    with open_store(running.settings.database_url).reading() as session:
        recent = review.recent_decisions(session, limit=100)
    return [(one.id, made.action.value, made.decided_by) for made, one in reversed(recent)]


def test_a_suggestion_on_removal_is_a_decision_with_its_community_and_token(running):
    sent = suggest(1, communityId="news.example/sport", clientToken="comment-7")
    answer = send(running, sent)
    assert answer.json() == {"clientToken": "comment-7", "detectedLanguages": ["en"]}
    wait_until_delivered(running)
    assert history(running) == [("comment-7", "remove", "site:label")]
    with open_store(running.settings.database_url).reading() as session:
        [(_, comment)] = review.recent_decisions(session, limit=1)
        [label] = review.labels_of(session, review.key_of(comment))
    assert (label.community, label.token, label.attribute, label.value) == (
        "news.example/sport", "comment-7", "LIKELY_TO_REJECT", 1.0,
    )  # fmt: skip
    assert label.outcome is Outcome.RECORDED


@pytest.mark.parametrize(
    "said_in_turn", [(("TOXICITY", 1), ("TOXICITY", 0)), (("DELETED", 1), ("APPROVED", 1))]
)
def test_corals_approvals_and_rejections_arrive_whatever_the_attribute(running, said_in_turn):
    """Coral tells them as 1 and 0 of the attribute it asks for; earlier ones by two names."""
    said = {
        "url": "https://news.example/a?commentID=c-1",
        "reply_to_id_Coral_comment_id": None,
        "Coral_comment_id": "c-1",
    }
    for attribute, value in said_in_turn:
        sent = suggest(
            value,
            attribute=attribute,
            context={"entries": [{"text": json.dumps(said)}]},
            communityId="Coral:https://news.example",
            clientToken="comment:c-1",
        )
        assert send(running, sent).status_code == 200
    wait_until_delivered(running)
    assert [one[:2] for one in history(running)] == [("c-1", "remove"), ("c-1", "approve")]
    with open_store(running.settings.database_url).reading() as session:
        [comment] = review.decided_comments(session)
    assert (comment.article_id, comment.label) == ("https://news.example/a", 0)


def test_a_suggestion_on_another_attribute_is_kept_and_decides_nothing(running):
    send(running, suggest(0.9, attribute="INSULT", clientToken="x"))
    wait_until_delivered(running)
    assert history(running) == []
    with open_store(running.settings.database_url).reading() as session:
        assert review.count_waiting(session) == 1


def test_what_is_not_to_be_stored_reaches_no_file(running, tmp_path):
    assert send(running, suggest(1, doNotStore=True)).status_code == 200
    analyze = {"comment": {"text": TEXT}, "requestedAttributes": {"LIKELY_TO_REJECT": {}}}
    running.post("/v1alpha1/comments:analyze", {**analyze, "doNotStore": True})
    running.post("/v1alpha1/comments:analyze", analyze)
    send(running, suggest(1, text="Another one, for the file to be there."))
    wait_until_delivered(running)
    files = [path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert any(b"for the file to be there" in found for found in files)
    assert not any(b"wombat" in found for found in files)


def test_decisions_arrive_with_who_made_them_and_why(running):
    sent = {
        "decisions": [
            {"id": "1", "text": TEXT, "action": "remove", "rule": "spam", "decided_by": "ines"},
            {"id": "2", "text": "Well said.", "action": "approve", "article": "a-1"},
        ]
    }
    answer = running.post("/v1/decisions", sent, scope="label")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    wait_until_delivered(running)
    assert history(running) == [("1", "remove", "site:ines"), ("2", "approve", "site:label")]
    with open_store(running.settings.database_url).reading() as session:
        removed = next(
            made for made, _ in review.recent_decisions(session, limit=2)
            if made.action is Action.REMOVE
        )  # fmt: skip
    assert removed.house_rule == "spam"
    assert removed.model_version == running.service.served.version
    assert 0 < removed.score < 1


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("comments:suggestscore", suggest(1, attribute="X" * 65), "attribute has 65 characters"),
        ("decisions", {"rule": "   "}, "house_rule has 3 characters"),
        ("decisions", {"decided_by": " "}, "name"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_kind(running, path, body, said):
    if path == "decisions":
        body = {"decisions": [{"id": "1", "text": TEXT, "action": "remove", **body}]}
    place = "/v1/" if path == "decisions" else "/v1alpha1/"
    answer = running.post(f"{place}{path}", body, scope="label")
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert TEXT not in answer.text


def test_metrics_count_labels_by_what_became_of_them(running):
    send(running, suggest(1))
    wait_until_delivered(running)
    send(running, suggest(1))
    wait_until_delivered(running)
    text = running.get("/metrics", scope="admin").text
    assert 'moderation_labels_total{outcome="recorded"} 1.0' in text
    assert 'moderation_labels_total{outcome="unchanged"} 1.0' in text


def test_more_labels_than_may_wait_are_refused_for_a_while(trained, tmp_path):
    site = "[limits]\nlabels_waiting = 2\n"
    with run_service(tmp_path, trained, site=site) as running:
        running.service.labels.deliver = lambda _: Delivered()
        two = {"decisions": [{"id": str(n), "text": "one", "action": "remove"} for n in range(2)]}
        assert running.post("/v1/decisions", two, scope="label").status_code == 202
        refused = running.post("/v1/decisions", two, scope="label")
    assert (refused.status_code, refused.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert refused.headers["retry-after"] == "60"


def test_a_database_that_is_gone_stops_no_scoring_and_loses_no_label(trained, tmp_path):
    (tmp_path / "review.db").mkdir()
    with run_service(tmp_path, trained) as running:
        assert send(running, suggest(1, clientToken="kept")).status_code == 200
        ready = wait_until_told(running)
        assert ready["labels_waiting"] == 1
        assert "this is a folder" in ready["labels_wait_because"]
        assert running.post("/v1/score", {"comments": [{"text": "one"}]}).status_code == 200
        (tmp_path / "review.db").rmdir()
        wait_until_delivered(running)
        assert history(running) == [("kept", "remove", "site:label")]
        assert running.get("/readyz").json()["labels_wait_because"] is None


def wait_until_told(running) -> dict:
    for _ in range(200):
        ready = running.get("/readyz").json()
        if ready["labels_wait_because"]:
            return ready
        time.sleep(0.05)
    pytest.fail("nothing is said")

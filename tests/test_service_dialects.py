"""Coral's phase, OpenAI's endpoint and Perspective's extras, over HTTP."""

import hashlib
import hmac
import json
import shutil
import time

import pytest

from moderation import load_model
from moderation.errors import ModerationError
from tests.conftest import REPOSITORY
from tests.services import run_service

SITE = """
[attributes]
"our-old-model" = "LIKELY_TO_REJECT"
SPAM = "LIKELY_TO_REJECT"

[coral.codes]
"threats" = "OFFENSIVE"

[openai.categories]
violence = "THREAT"
"""
POLICY = """
otherwise = "approve"

[[rule]]
name = "doubtful"
attribute = "LIKELY_TO_REJECT"
scale = "50/50"
threshold = {threshold}
action = "hold"
"""
MILD = "Thank you, I enjoyed reading this article about the garden."
SHARP = "Nobody asked you, as usual."
ANALYZE = "/v1alpha1/comments:analyze"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A service with the base model, a policy that holds one of the texts, and two secrets."""
    folder = tmp_path_factory.mktemp("service")
    mild, sharp = load_model(REPOSITORY / "models/base.joblib").score([MILD, SHARP], base_rate=0.5)
    assert mild < sharp
    (folder / "policy.toml").write_text(POLICY.format(threshold=(mild + sharp) / 2))
    more = {"policy": folder / "policy.toml", "coral_secrets": ("old-secret", "new-secret")}
    with run_service(folder, REPOSITORY / "models/base.joblib", site=SITE, **more) as running:
        yield running


def phase(running, text: str, *, secret: str, sign: str | None = None):
    body = json.dumps({"action": "NEW", "comment": {"body": f"<p>{text}</p>"}, "tenantID": "t"})
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Coral-Signature": sign or f"sha256={digest}"}
    with running.client() as client:
        return client.post("/coral", content=body, headers=headers)


@pytest.mark.parametrize("secret", ["old-secret", "new-secret"])
def test_coral_is_answered_with_what_the_policy_says(running, secret):
    held = phase(running, SHARP, secret=secret).json()
    assert held["status"] == "SYSTEM_WITHHELD"
    assert held["actions"] == [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}]
    assert phase(running, MILD, secret=secret).json() == {}


def test_what_coral_did_not_sign_is_refused(running):
    assert phase(running, MILD, secret="another").status_code == 403
    assert phase(running, MILD, secret="old-secret", sign="sha256=").status_code == 403


def test_openais_categories_are_those_with_a_head_and_the_policy_flags(running):
    answer = running.post("/v1/moderations", {"input": [SHARP, MILD], "model": "any"}).json()
    sharp, mild = answer["results"]
    assert (sharp["flagged"], mild["flagged"]) == (True, False)
    assert sharp["category_scores"]["violence"] > 0
    assert sharp["category_scores"]["sexual"] == 0
    model = running.get("/v1/models/omni-moderation-latest").json()
    assert answer["model"] == model["id"]
    assert "sexual" in model["not_scored_categories"]


def test_openais_errors_have_openais_shape(running):
    picture = {"type": "image_url", "image_url": {"url": "https://news.example/a.png"}}
    answer = running.post("/v1/moderations", {"input": [picture]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    with running.client() as client:
        keyless = client.post("/v1/moderations", json={"input": "one"})
    assert keyless.status_code == 401


def test_the_sites_own_names_ask_the_head_behind_them(running):
    names = ["our-old-model", "SPAM", "LIKELY_TO_REJECT", "TOXICITY"]
    asked = {"comment": {"text": SHARP}, "requestedAttributes": {name: {} for name in names}}
    scores = running.post(ANALYZE, asked).json()["attributeScores"]
    values = [scores[name]["summaryScore"]["value"] for name in names]
    assert values[0] == values[1] == values[2] != values[3]
    assert running.get("/v1/model").json()["names"]["SPAM"] == "LIKELY_TO_REJECT"


def test_words_are_told_where_they_are_asked_for(running):
    asked = {"comment": {"text": SHARP}, "requestedAttributes": {"LIKELY_TO_REJECT": {}}}
    answer = running.post(ANALYZE, asked, params={"wordContributions": "true"}).json()
    words = answer["attributeScores"]["LIKELY_TO_REJECT"]["wordContributions"]
    said = running.service.served.scorer.explain(SHARP).contributions
    assert [(word["begin"], word["end"], word["value"]) for word in words] == [
        (part.begin, part.end, part.value) for part in said
    ]


def test_a_long_text_is_scored_beside_the_loop_as_within_it(running):
    """Long texts go to another thread, short ones do not."""
    asked = {"comment": {"text": MILD * 100}, "requestedAttributes": {"TOXICITY": {}}}
    value = running.post(ANALYZE, asked).json()["attributeScores"]["TOXICITY"]["summaryScore"]
    scores = running.post("/v1/score", {"comments": [{"text": MILD * 100}]}).json()["results"][0]
    assert value["value"] == pytest.approx(scores["scores"]["TOXICITY"])


def test_discovery_leads_to_where_it_was_asked(running):
    answer = running.get("/$discovery/rest", params={"version": "v1alpha1"})
    assert answer.json()["rootUrl"] == f"{running.address}/"
    proxied = running.get("/$discovery/rest", headers={"X-Forwarded-Proto": "https"})
    assert proxied.json()["rootUrl"].startswith("https://127.0.0.1")


def test_a_new_model_without_a_head_that_the_site_names_is_refused(trained, tmp_path):
    """The old one goes on answering for that name."""
    shutil.copytree(REPOSITORY / "models", tmp_path / "models")
    path = tmp_path / "models/base.joblib"
    with run_service(tmp_path, path, site='[attributes]\nSPAM = "INSULT"') as running:
        before = running.service.served.version
        for ending in (".joblib", ".json"):
            shutil.copy(trained.with_suffix(ending), path.with_suffix(ending))
        while (alarm := running.get("/readyz").json()["model_refused"]) is None:
            time.sleep(0.1)
        asked = {"comment": {"text": MILD}, "requestedAttributes": {"SPAM": {}}}
        assert running.post(ANALYZE, asked).status_code == 200
        assert running.service.served.version == before
    assert "'SPAM' is to be scored by 'INSULT'" in alarm
    assert running.told == [alarm]


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("[attributes]\nSPAM = 'FLIRTATION'", "'SPAM' is to be scored by 'FLIRTATION'"),
        ("[openai.categories]\nviolence = 'WAR'", "category 'violence' = 'WAR'"),
        ("[coral.codes]\nspam = 'ADVERT'", "no rejection code of Coral's"),
        ("[quota]\nper_hour = 1", "unknown field `per_hour`"),
        ("[limits]\nbody_bytes = -1", "`int` >= 1"),
        ("[quota", "service.toml: "),
    ],
)
def test_a_site_file_with_a_mistake_is_refused_at_the_start(trained, tmp_path, site, said):
    with pytest.raises(ModerationError) as refused, run_service(tmp_path, trained, site=site):
        pass
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)

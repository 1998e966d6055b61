"""Who may do what: each endpoint without a key, with a wrong, revoked or other one."""

from datetime import UTC, datetime

import pytest

from moderation.keys import Scope, create_key, revoke_key
from tests.services import run_service

COMMENT = {"comment": {"text": "The tram was late again."}}
ANALYZE = {**COMMENT, "requestedAttributes": {"LIKELY_TO_REJECT": {}}}
SUGGEST = {**COMMENT, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
SCORE = {"comments": [{"text": "one"}]}
DECISIONS = {"decisions": [{"id": "1", "text": "one", "action": "approve"}]}
PHASE = {"action": "NEW", "comment": {"body": "one"}}

ENDPOINTS = {
    "POST /v1alpha1/comments:analyze": (ANALYZE, "score", 200),
    "POST /v1alpha1/comments:suggestscore": (SUGGEST, "label", 200),
    "POST /v1/score": (SCORE, "score", 200),
    "POST /v1/decisions": (DECISIONS, "label", 202),
    "POST /v1/moderations": ({"input": "one"}, "score", 200),
    "POST /coral": (PHASE, "score", 200),
    "GET /v1/model": (None, "score", 200),
    "GET /v1/models": (None, "score", 200),
    "GET /v1/models/any": (None, "score", 200),
    "GET /metrics": (None, "admin", 200),
}
"""What is sent, the scope it takes and what comes of it."""
OPENAIS = ("/v1/moderations", "/v1/models", "/v1/models/any")
"""Where a missing or wrong key is 401, as OpenAI's clients know it."""
OPEN = (
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/$discovery/rest?version=v1alpha1",
    "/discovery/v1/apis/commentanalyzer/v1alpha1/rest",
)


@pytest.fixture(scope="module")
def running(trained, tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("service"), trained) as running:
        yield running


def ask(running, endpoint: str, **options):
    method, path = endpoint.split()
    body = ENDPOINTS[endpoint][0]
    with running.client() as client:
        return client.request(method, path, json=body, **options)


def forms(token: str) -> dict[str, dict]:
    """Return a key in each form that clients send it in."""
    return {
        "query": {"params": {"key": token}},
        "header": {"headers": {"X-Goog-Api-Key": token}},
        "bearer": {"headers": {"Authorization": f"Bearer {token or 'none'}"}},
    }


def test_the_table_has_every_endpoint(running):
    paths = running.get("/openapi.json").json()["paths"]
    known = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    told = {endpoint.replace("/any", "/{name}") for endpoint in ENDPOINTS}
    without_key = {f"GET {path.split('?')[0]}" for path in OPEN} | {"POST /batch"}
    assert known - without_key == told


@pytest.mark.parametrize("form", ["query", "header", "bearer"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_key_with_the_scope_opens_an_endpoint_in_every_form(running, endpoint, form):
    _, scope, status = ENDPOINTS[endpoint]
    assert ask(running, endpoint, **forms(running.keys[scope])[form]).status_code == status


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_admin_key_opens_every_endpoint(running, endpoint):
    answer = ask(running, endpoint, params={"key": running.keys["admin"]})
    assert answer.status_code == ENDPOINTS[endpoint][2]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_without_a_key_nothing_opens(running, endpoint):
    answer = ask(running, endpoint)
    assert answer.status_code == (401 if endpoint.split()[1] in OPENAIS else 403)
    assert answer.json()["error"]


@pytest.mark.parametrize("form", ["query", "header", "bearer"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_wrong_key_opens_nothing(running, endpoint, form):
    wrong = running.keys["admin"][:-1] + ("a" if running.keys["admin"][-1] != "a" else "b")
    for token in (wrong, "", "x" * 5000):
        answer = ask(running, endpoint, **forms(token)[form])
        assert answer.status_code in (400, 401, 403)
        assert "API key" in answer.text or "callers" in answer.text


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_key_without_the_scope_opens_nothing(running, endpoint):
    _, scope, _ = ENDPOINTS[endpoint]
    others = {"score": ["label"], "label": ["score"], "admin": ["score", "label"]}[scope]
    for other in others:
        answer = ask(running, endpoint, params={"key": running.keys[other]})
        assert answer.status_code in (401, 403)
        assert f"it lacks the scope {scope}." in answer.json()["error"]["message"]


def test_a_revoked_key_opens_nothing_a_second_later(trained, tmp_path):
    with run_service(tmp_path, trained) as running:
        now = datetime.now(UTC)
        token = create_key(running.settings.keys, "for-a-day", scopes=[Scope.SCORE], at=now)
        wait_until(lambda: ask(running, "POST /v1/score", params={"key": token}), 200)
        revoke_key(running.settings.keys, "for-a-day", at=now)
        answer = wait_until(lambda: ask(running, "POST /v1/score", params={"key": token}), 400)
        assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def wait_until(get, status: int):
    import time

    for _ in range(100):
        answer = get()
        if answer.status_code == status:
            return answer
        time.sleep(0.05)
    pytest.fail(f"still {answer.status_code}, expected {status}")


@pytest.mark.parametrize("path", OPEN)
def test_what_tells_nothing_of_comments_is_open(running, path):
    with running.client() as client:
        assert client.get(path).status_code == 200


def test_without_any_key_only_this_machine_by_its_own_name_is_served(trained, tmp_path):
    with run_service(tmp_path, trained, keys=False) as running:
        assert running.post("/v1/score", SCORE).status_code == 200
        elsewhere = running.post("/v1/score", SCORE, headers={"Host": "news.example"})
        assert elsewhere.status_code == 403


def test_a_quota_is_refused_as_google_does_with_the_time_to_wait(trained, tmp_path):
    with run_service(tmp_path, trained, site="[quota]\nper_minute = 3\n") as running:
        answers = [ask(running, "POST /v1alpha1/comments:analyze",
                       params={"key": running.keys["score"]}) for _ in range(4)]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    error = answers[-1].json()["error"]
    assert (error["status"], error["details"][0]["reason"]) == (
        "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED",
    )  # fmt: skip
    assert error["details"][0]["metadata"]["quota_limit_value"] == "3"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    [link] = error["details"][1]["links"]
    assert link["url"] == str(answers[-1].url.join("/docs"))


def test_more_comments_than_a_whole_minute_has_are_refused_for_good(trained, tmp_path):
    texts = [f"comment {number}" for number in range(4)]
    with run_service(tmp_path, trained, site="[quota]\nper_minute = 3\n") as running:
        for path, body in (
            ("/v1/score", {"comments": [{"text": text} for text in texts]}),
            ("/v1/moderations", {"input": texts}),
        ):
            answer = running.post(path, body)
            assert (answer.status_code, "retry-after" in answer.headers) == (400, False)
            assert "at most 3 comments" in answer.json()["error"]["message"]
        assert running.post("/v1/score", {"comments": [{"text": "one"}] * 3}).status_code == 200


def test_no_key_or_text_is_in_metrics_or_logs(trained, tmp_path, caplog):
    secret = "quokka-at-the-harbour"
    with run_service(tmp_path, trained) as running:
        for scope, token in running.keys.items():
            running.post("/v1/score", {"comments": [{"text": secret}]}, scope=scope)
            running.post(f"/v1/score/{secret}", {}, scope=scope)
            headers = {"X-Goog-Api-Key": token}
            running.post("/v1/score", {"comments": [{secret: 1}]}, headers=headers)
        seen = running.get("/metrics", scope="admin").text + caplog.text + "".join(running.told)
    assert 'endpoint="/v1/score"' in seen
    assert secret not in seen
    assert not any(token in seen for token in running.keys.values())

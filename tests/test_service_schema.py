"""What the OpenAPI document says of the service is so, and the page shows it without any help."""

import os
from itertools import islice

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.config import GenerationConfig

from tests.services import run_service

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "15"))
"""Generated requests for each endpoint, good ones and as many bad ones; for a night: 5000."""
EDGES = 20 * EXAMPLES
"""Of the requests at the edges of an endpoint's schemas."""
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]
ENDPOINTS = (
    "POST /v1alpha1/comments:analyze",
    "POST /v1alpha1/comments:suggestscore",
    "POST /batch",
    "GET /$discovery/rest",
    "GET /discovery/v1/apis/commentanalyzer/v1alpha1/rest",
    "POST /v1/score",
    "POST /v1/decisions",
    "GET /v1/model",
    "POST /v1/moderations",
    "GET /v1/models",
    "GET /v1/models/{name}",
    "POST /coral",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
)
PLAIN = ("GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs")
"""Those of which nothing can be asked in a wrong way: they read nothing of a request."""
UNHURRIED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

schemathesis.openapi.media_type("multipart/mixed", st.binary(max_size=200))


@pytest.fixture(scope="module")
def running(trained, tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("service"), trained) as running:
        yield running


@pytest.fixture(scope="module")
def described(running):
    return schemathesis.openapi.from_url(f"{running.address}/openapi.json")


def find(described, endpoint: str):
    method, path = endpoint.split()
    return described[path][method]


def send(running, case) -> None:
    """Send a request with the key that the document asks for, and check the answer."""
    security = case.operation.definition.raw["security"]
    headers = {"X-Goog-Api-Key": running.keys[security[0]["query"][0]]} if security else {}
    case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_good_requests_are_answered_as_documented(running, described, endpoint):
    strategy = find(described, endpoint).as_strategy(generation_mode=GenerationMode.POSITIVE)
    UNHURRIED(given(strategy)(lambda case: send(running, case)))()


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each not in PLAIN])
def test_bad_requests_are_answered_as_documented(running, described, endpoint):
    strategy = find(described, endpoint).as_strategy(generation_mode=GenerationMode.NEGATIVE)
    UNHURRIED(given(strategy)(lambda case: send(running, case)))()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_requests_at_the_edges_are_answered_as_documented(running, described, endpoint):
    cases = described.iter_coverage_cases(
        find(described, endpoint),
        generation_modes=list(GenerationMode),
        generation_config=GenerationConfig(),
    )
    for case in islice(cases, EDGES):
        send(running, case)


def test_the_list_has_every_endpoint(described):
    told = {
        f"{method.upper()} {path}"
        for path, methods in described.raw_schema["paths"].items()
        for method in methods
    }
    assert told == set(ENDPOINTS)

"""Clients of the old API and of OpenAI, as they were published, against a running service."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conformance.front import Front, stand_before
from tests.conformance.installing import find_cache, install_from_npm, install_from_pypi
from tests.conformance.services import start_service

CLIENTS = Path(__file__).parent / "clients"
TEXT = "The ferry leaves at noon. Whoever comes late 😀 waits on the pier."
LONG = "The ferry leaves at noon and comes back at night. " * 500
BOTH = ("TOXICITY", "INSULT")
BAD_KEY = "API key not valid. Please pass a valid API key."
EMPTY = "Comment must be non-empty."
# What clients need to be there, by the name of the module and of the package.
OF_GOOGLE = [
    "google.api_core=google-api-core",
    "google.auth=google-auth",
    "google_auth_httplib2=google-auth-httplib2",
    "httplib2=httplib2",
    "uritemplate=uritemplate",
]
OF_PERSPECTIVE_PY = [
    "googleapiclient=google-api-python-client",
    "matplotlib=matplotlib",
    "pycountry=pycountry",
]
OF_OPENAI = [f"{name}={name}" for name in ("anyio", "httpx2", "jiter", "pydantic", "sniffio")]


@dataclass(frozen=True)
class Service:
    """A service that runs, by its own address and under Google's name."""

    address: str
    key: str
    front: Front

    def analyze(self, *names, text=TEXT, **more):
        """Return the answer that any client should get, asked without one."""
        request = {"comment": {"text": text}, "requestedAttributes": {name: {} for name in names}}
        answer = httpx.post(
            f"{self.address}/v1alpha1/comments:analyze",
            params={"key": self.key},
            json={**request, "languages": ["en"], **more},
        )
        answer.raise_for_status()
        return answer.json()

    def scores(self, *names, **more):
        """Return the scores that any client should find."""
        found = self.analyze(*names, **more)["attributeScores"]
        return {name: found[name]["summaryScore"]["value"] for name in names}

    def run(self, command, **environment):
        """Return what a client prints, in a process of its own."""
        plan = {
            "address": self.address,
            "key": self.key,
            "wrong_key": f"{self.key}-wrong",
            "text": TEXT,
        }
        ran = subprocess.run(
            [*command, json.dumps(plan)],
            env={**os.environ, **self.front.environment(), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    def run_python(self, script, folder):
        return self.run([sys.executable, str(CLIENTS / script)], PYTHONPATH=str(folder))

    def run_node(self, script, folder):
        redirect = ["--require", str(CLIENTS / "redirect.cjs")]
        modules = str(folder / "node_modules")
        return self.run(["node", *redirect, str(CLIENTS / script)], NODE_PATH=modules)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with start_service(folder) as (address, key), stand_before(address, folder) as front:
        yield Service(address, key, front)


@pytest.fixture(scope="module")
def cache(request, tmp_path_factory):
    return find_cache(request.config, tmp_path_factory.mktemp("clients"))


def is_refused(found, message, kind):
    """Tell whether a client got Google's envelope with a message and its type."""
    error = found["error"]
    assert (found["status"], error["code"]) == (400, 400)
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["details"][0].get("errorType", error["details"][0].get("reason")) == kind
    return message in error["message"]


def test_perspective(service, cache):
    """PyPI `perspective` 1.0.3."""
    folder = install_from_pypi(cache, "perspective==1.0.3")
    found = service.run_python("pypi_perspective.py", folder)
    expected = service.analyze(*BOTH, spanAnnotations=True, clientToken="token-1")
    assert found["analyze"] == expected
    assert found["score"] == pytest.approx(service.scores(*BOTH))
    assert "attributeScores" not in found["above"]
    suggested = found["suggest"]
    assert (suggested["clientToken"], suggested["requestedLanguages"]) == ("token-2", ["en"])
    assert suggested["detectedLanguages"] == expected["detectedLanguages"]
    assert is_refused(found["empty"], EMPTY, "COMMENT_EMPTY")
    assert is_refused(found["unknown"], "Unknown requested attribute: TULIP", "INVALID_REQUEST")
    assert is_refused(found["html"], "only 'PLAIN_TEXT' comments are supported", "INVALID_REQUEST")
    assert is_refused(found["nothing suggested"], "", "INVALID_REQUEST")
    assert is_refused(found["wrong key"], BAD_KEY, "API_KEY_INVALID")


def test_perspectiveapi(service, cache):
    """PyPI `perspectiveapi` 1.1.0, blocking and not; it reads no error, only that scores lack."""
    folder = install_from_pypi(cache, "perspectiveapi==1.1.0", needs=["httpx=httpx"])
    found = service.run_python("pypi_perspectiveapi.py", folder)
    assert found["async"] == found["blocking"] == pytest.approx(service.scores(*BOTH))
    assert found["not asked"] is None
    for refused in (found["empty"], found["wrong key"]):
        assert refused == {"raised": "KeyError", "said": "'attributeScores'"}


def test_pyperspective(service, cache):
    """PyPI `PyPerspective` 1.0.4, which takes spans by characters and needs one in each answer."""
    folder = install_from_pypi(cache, "PyPerspective==1.0.4", needs=["requests=requests"])
    found = service.run_python("pypi_pyperspective.py", folder)
    expected = service.analyze(*BOTH)
    assert found["scores"] == pytest.approx(service.scores(*BOTH))
    assert found["types"] == ["PROBABILITY"]
    assert found["spans"] == [TEXT]
    assert found["ends"] == [[0, len(TEXT) + 1]]  # UTF-16 has two units for the smiling face
    assert (found["languages"], found["detected"]) == (["en"], expected["detectedLanguages"])
    assert found["wrong key"]["raised"] == "InvalidAuthKey"
    for refused in (found["empty"], found["unknown"]):  # it reads the error, then trips over itself
        assert refused == {
            "raised": "TypeError",
            "said": "ApiException() takes no keyword arguments",
        }


def test_perspective_py(service, cache):
    """PyPI `perspective.py` 0.3.4, which cuts attribute and language out of Google's sentence."""
    folder = install_from_pypi(cache, "perspective.py==0.3.4", needs=OF_PERSPECTIVE_PY)
    found = service.run_python("pypi_perspective_py.py", folder)
    percent = {name: 100 * score for name, score in service.scores(*BOTH).items()}
    assert found["percent"] == pytest.approx(percent)
    assert found["raw"] == service.analyze("TOXICITY")
    assert found["other language"] == {
        "raised": "UnsupportedLanguage",
        "said": 'Oromo (om) is not supported by "TOXICITY" attribute.',
    }
    assert found["skipped"] == {}
    assert "Unknown requested attribute: FLIRTATION" in found["unknown"]["said"]
    assert found["wrong key"]["raised"] == "InvalidToken"


def test_google_api_python_client(service, cache):
    """`google-api-python-client` by discovery, one by one and in a batch."""
    folder = install_from_pypi(cache, "google-api-python-client==2.202.0", needs=OF_GOOGLE)
    found = service.run_python("pypi_google_api_python_client.py", folder)
    expected = service.analyze(*BOTH, spanAnnotations=True)
    assert found["analyze"] == expected
    assert found["suggest"]["clientToken"] == "token-1"
    assert found["suggest"]["requestedLanguages"] == ["en"]
    assert found["batch"]["first"] == expected
    another = service.analyze("TOXICITY", text="another remark", spanAnnotations=True)
    assert found["batch"]["third"] == another
    assert is_refused(found["batch"]["empty"], EMPTY, "COMMENT_EMPTY")
    unknown = "Unknown requested attribute: TULIP"
    assert is_refused(found["unknown"], unknown, "INVALID_REQUEST")
    assert unknown in found["unknown"]["reason"]
    assert is_refused(found["wrong key"], BAD_KEY, "API_KEY_INVALID")


def test_openai(service, cache):
    """The `openai` SDK: what no head scores is zero and never flagged."""
    folder = install_from_pypi(cache, "openai==3.54.0", needs=OF_OPENAI)
    found = service.run_python("pypi_openai.py", folder)
    [one] = found["one"]["results"]
    scores = service.scores("INSULT", "IDENTITY_ATTACK")
    assert one["category_scores"]["harassment"] == pytest.approx(scores["INSULT"])
    assert one["category_scores"]["hate"] == pytest.approx(scores["IDENTITY_ATTACK"])
    assert one["category_scores"]["violence"] == 0
    assert one["categories"]["violence"] is False
    assert found["several"]["results"][0] == one
    assert len(found["several"]["results"]) == 2
    assert found["one"]["id"].startswith("modr-")
    assert found["wrong key"] == {"raised": "AuthenticationError", "status": 401}


def test_perspective_api_client(service, cache):
    """npm `perspective-api-client` 3.1.0."""
    folder = install_from_npm(cache, "perspective-api-client@3.1.0")
    found = service.run_node("npm_perspective_api_client.cjs", folder)
    toxicity = service.analyze("TOXICITY")["attributeScores"]
    assert found["plain"]["attributeScores"] == toxicity
    assert found["both"]["attributeScores"] == service.analyze(*BOTH)["attributeScores"]
    full = service.analyze("TOXICITY", spanAnnotations=True, clientToken="token-1")
    assert found["full"] == full
    cut = service.analyze("TOXICITY", text=LONG[:20480])
    assert found["long"]["attributeScores"] == cut["attributeScores"]
    assert found["empty"] == {"raised": "ResponseError", "said": EMPTY, "status": 400}
    assert "exceeded limit" in found["too long"]["said"]
    assert found["unknown"]["said"] == "Unknown requested attribute: TULIP"
    assert found["wrong key"] == {"raised": "ResponseError", "said": BAD_KEY, "status": 400}


def test_perspectiveapi_js_client(service, cache):
    """npm `@conversationai/perspectiveapi-js-client` 1.0.1, whose default asks for SPAM."""
    folder = install_from_npm(cache, "@conversationai/perspectiveapi-js-client@1.0.1")
    found = service.run_node("npm_perspectiveapi_js_client.cjs", folder)
    assert found["both"] == found["context"] == pytest.approx(service.scores(*BOTH))
    for refused in (found["defaults"], found["other language"], found["wrong key"]):
        assert "Request failed with status code 400" in refused["said"]

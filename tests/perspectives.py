"""A small server that answers like the Perspective API, counts, and fails as a test asks it to."""

import hashlib
import json
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moderation.old_api import Question

KEY = "k3y-of-the-tests"
ENGLISH_ONLY = "FLIRTATION"
UNKNOWN = "TULIP"
GERMAN, LONG = "Fähre", "long, long"
"""Words of texts that the API refuses in part, and wholly."""


@dataclass
class OldApi:
    """What it was asked, and the faults it has before it answers again."""

    address: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    """How often it answered on each text."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    faults: deque[Any] = field(default_factory=deque)
    """For the next requests: None, an HTTP status, (status, headers), or "cut"."""
    before_answer: Any = None
    """Is called before each answer."""


def score_of(text: str, attribute: str = "TOXICITY") -> float:
    """Return the score that the server gives: the same each time, any from 0 to 1."""
    return hashlib.sha256(f"{attribute}:{text}".encode()).digest()[0] / 255


def refusal(error_type: str, *, status: str = "INVALID_ARGUMENT", **more: Any) -> dict[str, Any]:
    """Return an error as the API spells it."""
    kind = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
    detail = {"@type": kind, "errorType": error_type, **more}
    return {"error": {"code": 400, "message": "no", "status": status, "details": [detail]}}


def bad_key() -> dict[str, Any]:
    """Return what the API says to a wrong key."""
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    return {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [detail]}}


def answer(key: str | None, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that the API answers with."""
    if key != KEY:
        return 400, bad_key()
    text, names = request["comment"]["text"], request["requestedAttributes"]
    if LONG in text:
        return 400, refusal("COMMENT_TOO_LONG")
    if UNKNOWN in names:
        return 400, refusal("INVALID_REQUEST")
    if GERMAN in text and ENGLISH_ONLY in names:
        other = {"detectedLanguages": ["de"], "attribute": ENGLISH_ONLY}
        kind = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
        return 400, refusal(kind, languageNotSupportedByAttributeError=other)
    scores = {name: {"summaryScore": {"value": score_of(text, name)}} for name in names}
    return 200, {"attributeScores": scores, "languages": ["en"]}


@contextmanager
def serve_old_api() -> Iterator[OldApi]:
    """Serve while the block runs."""
    api = OldApi()
    server = _Server(("127.0.0.1", 0), _handler_for(api))
    api.address = f"http://127.0.0.1:{server.server_port}/v1alpha1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed."""


def _handler_for(api: OldApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api.paths.append(self.path)
            api.requests.append(request)
            fault = api.faults.popleft() if api.faults else None
            if fault == "cut":
                self.close_connection = True
                return
            if fault is not None:
                status, headers = fault if isinstance(fault, tuple) else (fault, {})
                self._send(status, {"error": {"code": status, "status": "FAULT"}}, headers)
                return
            if api.before_answer:
                api.before_answer()
            status, body = answer(self.headers["X-Goog-Api-Key"], request)
            api.asked[request["comment"]["text"]] += 1
            self._send(status, body, {})

        def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
            packed = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(packed))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def question(text: str = "the ferry", *attributes: str) -> Question:
    """Return a question on a text."""
    return Question(text, attributes or ("TOXICITY",))

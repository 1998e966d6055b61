"""Asks the Perspective API, or what answers like it, for the scores of texts, at its quota."""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, Final
from urllib.parse import urlsplit

from moderation.answers import Answer
from moderation.errors import DataError, MissingPackage, SourceError

VERSION: Final = "v1alpha1"
GOOGLE: Final = f"https://commentanalyzer.googleapis.com/{VERSION}"
TIMEOUT: Final = 30.0
"""Seconds to wait for one answer."""
PATIENCE: Final = 20
"""Failures in a row before it gives up, or refusals: with the pauses between, some 60 minutes."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""Seconds of the pauses that grow, each twice the one before."""
LONGEST_WAIT: Final = 86400.0
"""Seconds that a Retry-After is honoured for: a quota by the day is full again by then."""
MOST_AT_ONCE: Final = 32

# What the API says of one comment (developers.perspectiveapi.com, "Limits & errors"): asking again
# would not help. Other refusals may be those of the question itself.
_OTHER_LANGUAGE: Final = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
_OF_THE_TEXT: Final = frozenset(
    {"COMMENT_EMPTY", "COMMENT_TOO_LONG", "LANGUAGE_DETECTION_FAILED", _OTHER_LANGUAGE}
)
_NO_SCORE: Final = "ANSWER_WITHOUT_SCORE"
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_KEY: Final = re.compile(r"[!-~]+")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Sender = Callable[["Question"], "Reply"]
"""Sends a question once; what comes of it is a reply, also nothing. Called from several threads."""


@dataclass(frozen=True)
class Question:
    """What is asked of one text."""

    text: str
    attributes: tuple[str, ...]
    languages: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    """Attributes that the API does not have for the text's language: no longer asked for."""

    @property
    def asked(self) -> tuple[str, ...]:
        return tuple(name for name in self.attributes if name not in self.refused)

    def as_request(self) -> dict[str, Any]:
        """Return the body of `comments:analyze`; what is asked is never to be stored there."""
        # Half a surrogate pair cannot be sent: it is no character.
        text = self.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return {
            "comment": {"text": text, "type": "PLAIN_TEXT"},
            "requestedAttributes": {name: {} for name in self.asked},
            **({"languages": list(self.languages)} if self.languages else {}),
            "doNotStore": True,
        }


@dataclass(frozen=True)
class Reply:
    """What came of sending a question."""

    status: int
    """The HTTP status, 0 where no answer came."""
    content: bytes = b""
    retry_after: float | None = None
    """Seconds that it asks to wait."""
    broken: str = ""
    """What the network did, where no answer came."""


@dataclass(frozen=True)
class Failure:
    """What may go better the next time."""

    what: str
    retry_after: float | None = None


class Pace:
    """So many a minute at most, evenly; `clock` is one that never goes back, in seconds."""

    def __init__(
        self,
        per_minute: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        if not per_minute > 0:
            raise ValueError(f"{per_minute} a minute; expected a number above 0")
        self._interval = 60 / per_minute
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Return when the next may begin."""
        if (early := self._next - self._clock()) > 0:
            self._sleep(early)
        self._next = max(self._clock(), self._next) + self._interval

    def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        self._sleep(seconds)


@dataclass(frozen=True)
class Asker:
    """Asks text after text: waits, tries again, and gives up where that is no use."""

    send: Sender
    pace: Pace
    say: Callable[[str], object]
    """Is told when it begins to wait for a failure to pass."""
    at_once: int = 1
    """Questions under way together: an answer may take longer than the pace."""

    def ask_all(
        self, questions: Iterable[Question], *, trusted: bool = False
    ) -> Iterator[tuple[Question, Answer]]:
        """
        Yield each question with its answer, in about their order.

        `trusted` where such questions were answered before: a refusal is the text's fault then,
        unless one follows the other.

        Raises:
            SourceError: the API refuses the key or the questions, or fails again and again.

        """
        coming, failures, doubts = _Again(questions), 0, 0
        with ThreadPoolExecutor(self.at_once) as pool:
            for question, reply in self._send_all(coming, pool):
                found = judge(reply, question)
                if isinstance(found, Failure):
                    failures += 1
                    self._wait_out(found, failures)
                    coming.put_back(question)
                    continue
                failures = 0
                if isinstance(found, Question):
                    coming.put_back(found)
                    continue
                trusted = trusted or found.has_score
                doubts = doubts + 1 if _is_suspect(found) else 0
                if doubts >= (PATIENCE if trusted else 1):
                    raise SourceError(
                        f"the Perspective API gives no scores ({found.error}); check --attributes, "
                        "--languages and --endpoint"
                    )
                yield question, found

    def _send_all(
        self, questions: Iterator[Question], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with what came of sending them; what is put back is sent again."""
        under_way: deque[tuple[Question, Future[Reply]]] = deque()
        while True:
            # What has come is kept before more is asked: a kill is to lose little.
            has_come = under_way and under_way[0][1].done()
            full = has_come or len(under_way) >= self.at_once
            if not full and (question := next(questions, None)) is not None:
                self.pace.wait()
                under_way.append((question, pool.submit(self.send, question)))
            elif under_way:
                asked, reply = under_way.popleft()
                yield asked, reply.result()
            else:
                return

    def _wait_out(self, failure: Failure, failures: int) -> None:
        if failures >= PATIENCE:
            raise SourceError(
                f"the Perspective API failed {failures} times in a row, the last time with "
                f"{failure.what}; look whether it still answers, then run the same command again"
            )
        growing = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
        seconds = max(growing, min(failure.retry_after or 0.0, LONGEST_WAIT))
        if failures == 1:
            self.say(f"{failure.what}: tried again in {seconds:.0f} s, and then ever later")
        self.pace.pause(seconds)


class _Again(Iterator[Question]):
    """Questions in their order; what is put back comes next, also after the last."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._questions = iter(questions)
        self._back: deque[Question] = deque()

    def __next__(self) -> Question:
        return self._back.popleft() if self._back else next(self._questions)

    def put_back(self, question: Question) -> None:
        self._back.append(question)


def judge(reply: Reply, question: Question) -> Answer | Failure | Question:
    """
    Return what a reply means: an answer, a failure, or the question that is to be asked instead.

    Raises:
        SourceError: no question would be answered: the key, or the address, is refused.

    """
    status, error = reply.status, _read_error(reply.content)
    if status == 0:
        return Failure(reply.broken)
    if status == 200:
        return _read_scores(reply.content, question)
    if status in (408, 429) or status >= 500:
        return Failure(f"{status} {error.status}".strip(), reply.retry_after)
    _check_refusal(status, error)
    if error.type == _OTHER_LANGUAGE and error.attribute in question.asked:
        fewer = replace(question, refused=question.refused | {error.attribute})
        return fewer if fewer.asked else _without_scores(question, error.type)
    return _without_scores(question, error.type or error.status or f"HTTP_{status}")


@dataclass(frozen=True)
class _Error:
    """What Google's envelope of an error says; empty where it says nothing."""

    status: str = ""
    type: str = ""
    reason: str = ""
    attribute: str = ""


def _read_error(content: bytes) -> _Error:
    """Return what an error says in names; its message may quote the comment."""
    try:
        error = json.loads(content)["error"]
        details = [detail for detail in error.get("details") or () if isinstance(detail, dict)]
        said = {name: value for detail in details for name, value in detail.items()}
        refused = said.get("languageNotSupportedByAttributeError") or {}
        return _Error(
            _as_name(error.get("status")),
            _as_name(said.get("errorType")),
            _as_name(said.get("reason")),
            _as_name(refused.get("attribute")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _Error()


def _as_name(value: Any) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _check_refusal(status: int, error: _Error) -> None:
    """Refuse to go on where the key or the address is wrong."""
    name = error.reason or error.status or str(status)
    if status in (401, 403) or error.reason == "API_KEY_INVALID":
        raise SourceError(
            f"the Perspective API refuses the key ({name}); expected one that may use it: check "
            "MODERATION_PERSPECTIVE_KEY"
        )
    if status < 400:
        raise SourceError(
            f"the endpoint answers with {status}, which is not followed, to keep the key; name "
            "the address itself: --endpoint URL"
        )
    if status in (404, 405, 410):
        raise SourceError(f"no Perspective API at the endpoint ({status}); check --endpoint")


def _is_suspect(answer: Answer) -> bool:
    """Tell whether the fault may be the question's, with which no text would be scored."""
    return not answer.has_score and answer.error not in _OF_THE_TEXT


def _read_scores(content: bytes, question: Question) -> Answer | Failure:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return Failure("an answer that is no JSON")
    scores = tuple(_read_score(found, name) for name in question.attributes)
    missing = [
        name
        for name, score in zip(question.attributes, scores, strict=True)
        if score is None and name not in question.refused
    ]
    if missing:
        return Answer(scores, _NO_SCORE)
    return Answer(scores, _OTHER_LANGUAGE if question.refused else None)


def _read_score(found: Any, attribute: str) -> float | None:
    """Return the score of the whole text, None where there is no number from 0 to 1."""
    try:
        value = found["attributeScores"][attribute]["summaryScore"]["value"]
        is_score = not isinstance(value, bool | str) and 0 <= value <= 1
    except (KeyError, TypeError, IndexError):
        return None
    return float(value) if is_score else None


def _without_scores(question: Question, error: str) -> Answer:
    return Answer((None,) * len(question.attributes), error)


def count_at_once(per_minute: float) -> int:
    """
    Return how many questions may be under way, so that answers of a second keep up with the pace.

    >>> [count_at_once(per_minute) for per_minute in (1, 60, 600, 60_000)]
    [2, 2, 11, 32]
    """
    return min(ceil(per_minute / 60) + 1, MOST_AT_ONCE)


def check_endpoint(given: str) -> str:
    """
    Return an endpoint with its version, and nothing behind that.

    >>> check_endpoint("https://api.example.org/v1alpha1/")
    'https://api.example.org/v1alpha1'
    >>> check_endpoint("https://api.example.org")
    'https://api.example.org/v1alpha1'

    Raises:
        DataError: it is no address, has a key in it, or the key would travel readable.

    """
    try:
        parts = urlsplit(given)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.query or parts.fragment or parts.username is not None:
        raise DataError(
            "the endpoint is no address of an API; expected one such as "
            f"{GOOGLE}, without a key or anything else behind it"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise DataError(
            f"the endpoint begins with {parts.scheme}://, by which the key would travel readable; "
            "expected https://"
        )
    found = given.rstrip("/")
    return found if parts.path.strip("/") else f"{found}/{VERSION}"


@contextmanager
def open_sender(endpoint: str, key: str, *, now: Callable[[], datetime]) -> Iterator[Sender]:
    """
    Give what sends questions to an endpoint, the key in a header; `now` is aware.

    Redirects are not followed: the key is for the endpoint alone.

    Raises:
        DataError: the key is none that a header can carry.
        MissingPackage: httpx is not installed.

    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingPackage(
            "asking needs httpx; install it with: pip install 'moderation[service]'"
        ) from error
    if not _KEY.fullmatch(key):
        raise DataError(
            "MODERATION_PERSPECTIVE_KEY is no key: expected letters, digits and signs of ASCII, "
            "without spaces"
        )
    url = f"{endpoint}/comments:analyze"
    headers = {"X-Goog-Api-Key": key}
    with httpx.Client(headers=headers, timeout=TIMEOUT, follow_redirects=False) as client:

        def send(question: Question) -> Reply:
            try:
                response = client.post(url, json=question.as_request())
            except httpx.RequestError as error:  # whose words may be an address, not a comment
                return Reply(0, broken=type(error).__name__)
            asked = response.headers.get("Retry-After")
            return Reply(response.status_code, response.content, read_retry_after(asked, now()))

        yield send


def read_retry_after(given: str | None, now: datetime) -> float | None:
    """
    Return the seconds that a Retry-After asks to wait (RFC 9110, 10.2.3), None where it is none.

    >>> moment = datetime.fromisoformat("2026-03-01T12:00:00Z")
    >>> read_retry_after("120", moment)
    120.0
    >>> read_retry_after("Sun, 01 Mar 2026 12:01:00 GMT", moment)
    60.0
    """
    if given is None:
        return None
    if given.isdecimal() and len(given) < 10:
        return float(given)
    try:
        return max((parsedate_to_datetime(given) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None

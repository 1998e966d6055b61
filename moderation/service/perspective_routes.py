"""Endpoints of the Perspective API: analyze, suggestscore, discovery and batch."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import Message

from moderation.keys import Key, Scope
from moderation.perspective import errors
from moderation.perspective.analysis import answer_analysis, answer_suggestion, plan_analysis
from moderation.perspective.batches import BatchAnswer, BatchPart, read_batch, write_batch
from moderation.perspective.discovery import SUGGEST_ANSWER, make_discovery
from moderation.perspective.parameters import read_parameters, write_answer, write_json
from moderation.perspective.requests import (
    AnalyzeRequest,
    SuggestRequest,
    read_analysis,
    read_suggestion,
)
from moderation.review import SentLabel
from moderation.service.access import find_token
from moderation.service.asking import IS_WHOLE, SERVED, Answer, Asked, Handler
from moderation.service.documents import PERSPECTIVE, parameter, read_parameters_of
from moderation.service.front import Endpoint, refuse
from moderation.service.labelling import make_label
from moderation.service.parts import Service
from moderation.service.refusals import batch_too_large
from moderation.service.suggested import find_comment, read_suggestions
from moderation.serving import Served

ANALYZE: Final = "/v1alpha1/comments:analyze"
SUGGEST: Final = "/v1alpha1/comments:suggestscore"
DISCOVERY: Final = (
    "/$discovery/rest",
    "/discovery/v1/apis/commentanalyzer/v1alpha1/rest",
)
BATCH: Final = "/batch"
VERSION: Final = parameter("version", "The version of the API; there is one.", enum=["v1alpha1"])
MOST_ANSWERED: Final = 32 * 1024 * 1024
"""Bytes of a batch's answers from which on no more of its calls are answered: with spans, answers
are up to seventy times as long as the texts."""


def endpoints(service: Service) -> Iterator[Endpoint]:
    """Yield the endpoints of a service."""

    async def score(asked: Asked) -> Answer:
        """
        Score a comment by the attributes that are asked for.

        Scores are on the 50/50 scale. An attribute that no head of the model stands for is refused,
        never made up; one below its `scoreThreshold` is left out. Places of spans are counted in
        UTF-16 code units, as JavaScript and Java count them.
        """
        key = service.gate.admit(asked, Scope.SCORE)
        parameters = read_parameters(asked.query)
        request = read_analysis(await service.body(asked, of_one=True))
        service.gate.charge(asked, key)
        body = await service.work(
            len(request.text),
            lambda: _analyze(service, asked.served, request, words=parameters.words),
        )
        return Answer(write_answer(body, parameters))

    async def suggest(asked: Asked) -> Answer:
        """
        Take the scores that a comment should have, for the next model to learn.

        A score of the site's own removal (1: removed, 0: approved) is a decision, and so is any
        that Coral sends. With `doNotStore` nothing is kept.
        """
        key = service.gate.admit(asked, Scope.LABEL)
        parameters = read_parameters(asked.query, answer=SUGGEST_ANSWER)
        request = read_suggestion(await service.body(asked, of_one=True))
        service.gate.charge(asked, key)
        if not request.do_not_store:
            await service.labels.put(_label(service, asked.served, request, key))
        return Answer(write_answer(answer_suggestion(request, detect=service.detect), parameters))

    async def discover(asked: Asked) -> Answer:
        """Return what Google's client libraries build their calls from; it leads to this host."""
        service.gate.check(asked)
        parameters = read_parameters(_without_version(asked), answer=None)
        return Answer(write_json(make_discovery(asked.root), pretty=parameters.pretty))

    inner: dict[str, Handler] = {ANALYZE: score, SUGGEST: suggest}

    async def batch(asked: Asked) -> Answer:
        """
        Answer up to 1,000 calls, as Google's client libraries put them together.

        Each part is of the type `application/http` and holds a request; so is each part of the
        answer, in the same order. A part without a key of its own has that of the whole.
        """
        parts = read_batch(await service.body(asked), asked.header(b"content-type") or "")
        answers: list[BatchAnswer] = []
        left = MOST_ANSWERED
        for part in parts:
            answers.append(await _answer_part(part, asked, inner if left > 0 else None))
            left -= len(answers[-1].body)
            await asyncio.sleep(0)  # a thousand parts would keep everybody else waiting
        content_type, body = write_batch(answers)
        return Answer(body, content_type=content_type.encode())

    yield Endpoint(
        "POST",
        ANALYZE,
        score,
        summary="Scores of a comment",
        tag=PERSPECTIVE,
        takes="AnalyzeCommentRequest",
        gives="AnalyzeCommentResponse",
        scope=Scope.SCORE,
        refuses=(429,),
        parameters=read_parameters_of("analyze"),
    )
    yield Endpoint(
        "POST",
        SUGGEST,
        suggest,
        summary="Scores that a comment should have",
        tag=PERSPECTIVE,
        takes="SuggestCommentScoreRequest",
        gives="SuggestCommentScoreResponse",
        scope=Scope.LABEL,
        refuses=(429, 503),
        parameters=read_parameters_of("suggestscore"),
    )
    yield Endpoint(
        "POST",
        BATCH,
        batch,
        summary="Many calls in one",
        tag=PERSPECTIVE,
        takes="multipart/mixed",
        gives="multipart/mixed",
    )
    for path in DISCOVERY:
        yield Endpoint(
            "GET",
            path,
            discover,
            summary="The discovery document",
            tag=PERSPECTIVE,
            gives="application/json",
            refuses=(400,),
            parameters=(VERSION, *read_parameters_of(None)),
        )


def _analyze(
    service: Service, served: Served, request: AnalyzeRequest, *, words: bool
) -> dict[str, Any]:
    [detected] = service.detect([request.text])
    plan = plan_analysis(
        request, table=service.table(served), learnt=served.languages, detected=detected
    )
    scored = served.score_texts(plan.texts)
    service.metrics.observe_logit(scored.logits.item(0, 0))
    return answer_analysis(
        plan,
        dict(zip(served.attributes, scored.even().T.tolist(), strict=True)),
        own=served.attributes[0],
        explanation=served.scorer.explain(request.text) if words else None,
    )


async def _answer_part(
    part: BatchPart, asked: Asked, inner: dict[str, Handler] | None
) -> BatchAnswer:
    """
    Return the answer to one request of a batch, as if it had come by itself.

    Its length is the part's, whatever it says. Where `inner` is None, no more is answered.
    """
    path, _, query = part.path_with_query.partition("?")

    async def receive() -> Message:
        return {"type": "http.request", "body": part.body}

    headers = [
        (name.encode(), value.encode("latin-1"))
        for name, value in part.headers.items()
        if name != "content-length"
    ]
    host = (b"host", (asked.header(b"host") or "").encode("latin-1"))
    scope: dict[str, Any] = {
        "scheme": asked.scope["scheme"],
        "headers": [host, *headers],
        "query_string": query.encode("latin-1"),
        SERVED: asked.served,
        IS_WHOLE: True,
    }
    token = find_token(asked)
    if token is not None and find_token(Asked(scope, receive)) is None:
        scope["headers"].append((b"x-goog-api-key", token.encode("latin-1")))
    try:
        if inner is None:
            raise batch_too_large(MOST_ANSWERED)
        handler = inner.get(path)
        if handler is None or part.method != "POST":
            raise errors.not_found()
        answer = await handler(Asked(scope, receive))
    except errors.ApiError as error:
        answer = refuse(error)
    told = {"Content-Type": answer.content_type.decode()}
    return BatchAnswer(part.content_id, answer.status, told, answer.body)


def _label(service: Service, served: Served, request: SuggestRequest, key: Key) -> list[SentLabel]:
    """Return a suggestion as labels, with what the model in use would have said."""
    now = service.clock()
    score = float(served.score_texts([request.text]).own()[0, 0])
    comment = find_comment(request)
    return [
        make_label(
            comment,
            at=f"attribute_scores[{place}]",
            id=str(uuid.uuid4()),
            attribute=said.attribute,
            value=said.value,
            removes=said.removes,
            community=request.community_id,
            token=request.client_token,
            sent_by=key.name,
            received_at=now,
            decided_by=None,
            house_rule=service.configuration.labels.house_rule,
            score=score,
            model_version=served.version,
        )
        for place, said in enumerate(read_suggestions(request, removals=_removals(service, served)))
    ]


def _removals(service: Service, served: Served) -> frozenset[str]:
    """Return the names under which clients say what the site did with a comment."""
    table, own = service.table(served), served.attributes[0]
    names = (name for name in table.names if table.find_head(name) == own)
    return frozenset({*names, *service.configuration.labels.removals})


def _without_version(asked: Asked) -> dict[str, str]:
    """Return the parameters of a discovery address but the version, of which there is one."""
    return {name: value for name, value in asked.query.items() if name not in ("version", "labels")}

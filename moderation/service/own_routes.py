"""Endpoints of the service's own API: score, decisions, and what the model is."""

import re
import uuid
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from moderation.comments import Comment
from moderation.keys import Key, Scope
from moderation.languages import UNDETERMINED
from moderation.perspective.errors import bad_json
from moderation.policy import even_score
from moderation.review import SentLabel
from moderation.service import own
from moderation.service.asking import Answer, Asked, write
from moderation.service.documents import OWN
from moderation.service.front import Endpoint
from moderation.service.judging import Place, judge
from moderation.service.labelling import make_label, to_utc
from moderation.service.parts import Service
from moderation.serving import Served

Kind = TypeVar("Kind")

SOURCE = "service"
_QUOTED = re.compile(r"(?<=Invalid enum value) .*(?= - at)", re.DOTALL)
"""A client's own words in what msgspec says; a text may stand in the wrong place."""


def endpoints(service: Service) -> Iterator[Endpoint]:
    """Yield the endpoints of a service."""
    read_score = msgspec.json.Decoder(own.ScoreRequest)
    read_decisions = msgspec.json.Decoder(own.DecisionsRequest)

    async def score(asked: Asked) -> Answer:
        """
        Score 1 to 1,000 comments by every attribute, and say what the policy does with each.

        Large requests are many times as fast, by comment, as single ones. Explanations say what
        each word adds to the logit of the model's own attribute.
        """
        key = service.gate.admit(asked, Scope.SCORE)
        request = read(read_score, await service.body(asked))
        service.gate.charge(asked, key, len(request.comments))
        characters = sum(len(comment.text) for comment in request.comments)
        return await service.work(characters, lambda: write(_score(service, asked.served, request)))

    async def decisions(asked: Asked) -> Answer:
        """
        Keep what the site decided on comments, for the next model to learn from.

        When this is answered, a power cut does not lose them. They reach the review desk as soon
        as the database answers, and overrule what it had decided before.
        """
        key = service.gate.admit(asked, Scope.LABEL)
        request = read(read_decisions, await service.body(asked))
        labels = _label(service, asked.served, request, key)
        await service.labels.put(labels)
        return write(own.DecisionsAnswer(len(labels), asked.served.version), status=202)

    async def model(asked: Asked) -> Answer:
        """Return what the model scores, what it learnt from, and by which names it may be asked."""
        service.gate.admit(asked, Scope.SCORE)
        return write(_describe(service, asked.served))

    yield Endpoint(
        "POST",
        "/v1/score",
        score,
        summary="Scores and verdicts",
        tag=OWN,
        takes=own.ScoreRequest,
        gives=own.ScoreAnswer,
        scope=Scope.SCORE,
        refuses=(429,),
    )
    yield Endpoint(
        "POST",
        "/v1/decisions",
        decisions,
        summary="What the site did",
        tag=OWN,
        takes=own.DecisionsRequest,
        gives=own.DecisionsAnswer,
        status=202,
        scope=Scope.LABEL,
        refuses=(503,),
    )
    yield Endpoint(
        "GET",
        "/v1/model",
        model,
        summary="The model in use",
        tag=OWN,
        gives=own.ModelAnswer,
        scope=Scope.SCORE,
    )


def read(decoder: "msgspec.json.Decoder[Kind]", body: bytes) -> Kind:
    """
    Return a body as what is expected of it.

    Raises:
        ApiError: it is not JSON, or says something else; names the place, and quotes nothing.

    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_json(_why(error)) from None


def _score(service: Service, served: Served, request: own.ScoreRequest) -> own.ScoreAnswer:
    texts = [comment.text for comment in request.comments]
    places = [Place(comment.section, comment.community) for comment in request.comments]
    judged = judge(texts, served=served, detect=service.detect, places=places)
    probabilities = judged.scored.own()
    service.metrics.observe(probabilities[:, 0])
    calibrated = [k for k, name in enumerate(served.attributes) if name in served.calibrated]
    names = [served.attributes[k] for k in calibrated]
    even, own_scale = judged.scored.even().tolist(), probabilities[:, calibrated].tolist()
    verdicts = [own.describe(verdict) for verdict in judged.distinct]
    languages = service.detect(texts) if request.languages else [None] * len(texts)
    return own.ScoreAnswer(
        served.version,
        served.policy.version,
        [
            own.Scored(
                scores=dict(zip(served.attributes, even[row], strict=True)),
                probabilities=dict(zip(names, own_scale[row], strict=True)),
                verdict=verdicts[judged.places[row]],
                id=comment.id,
                explanation=own.explain(served.scorer.explain(comment.text))
                if request.explain
                else None,
                language=languages[row],
                is_learnt=_is_learnt(languages[row], served),
            )
            for row, comment in enumerate(request.comments)
        ],
    )


def _is_learnt(language: str | None, served: Served) -> bool | None:
    if language in (None, UNDETERMINED) or served.languages is None:
        return None
    return language in served.languages


def _label(
    service: Service, served: Served, request: own.DecisionsRequest, key: Key
) -> list[SentLabel]:
    """Return the decisions as labels, with what the model in use would have said."""
    now = service.clock()
    texts = [decision.text for decision in request.decisions]
    scores = served.score_texts(texts).own()[:, 0]
    return [
        make_label(
            _comment(decision, at=f"decisions[{place}]"),
            at=f"decisions[{place}]",
            id=str(uuid.uuid4()),
            attribute=served.attributes[0],
            value=float(decision.action == "remove"),
            removes=True,
            community=decision.community,
            token=None,
            sent_by=key.name,
            received_at=now,
            decided_by=decision.decided_by,
            decided_at=to_utc(decision.decided_at, at=f"decisions[{place}].decided_at") or now,
            house_rule=decision.rule,
            score=float(score),
            model_version=served.version,
        )
        for place, (decision, score) in enumerate(zip(request.decisions, scores, strict=True))
    ]


def _comment(decision: own.DecisionToLearn, *, at: str) -> Comment:
    return Comment(
        id=str(decision.id),
        text=decision.text,
        source=SOURCE,
        status=None,
        parent_id=_as_text(decision.parent_id),
        article_id=_as_text(decision.article),
        article_title=decision.article_title,
        author=decision.author,
        created_at=to_utc(decision.created_at, at=f"{at}.created_at"),
    )


def _as_text(identity: own.Identity | None) -> str | None:
    return None if identity is None else str(identity)


def _describe(service: Service, served: Served) -> own.ModelAnswer:
    table, points = service.table(served), dict(served.scorer.thresholds)
    rate = served.scorer.base_rate
    return own.ModelAnswer(
        version=served.version,
        attributes=list(served.attributes),
        calibrated=sorted(served.calibrated),
        languages=None if served.languages is None else sorted(served.languages),
        base_rates=dict(served.scorer.base_rates),
        operating_points=points,
        even_operating_points={
            name: even_score(point, rate) for name, point in points.items() if rate is not None
        },
        names={name: table.find_head(name) for name in table.names},
        policy=served.policy.version,
        openai_categories=service.categories(served),
    )


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "Expected UTF-8."
    if isinstance(error, RecursionError):
        return "Nested too deeply."
    return f"{_QUOTED.sub('', str(error))}."

"""Endpoints as OpenAI has them: moderations, and the models."""

import uuid
from collections.abc import Iterator

import msgspec

from moderation import openai
from moderation.keys import Scope
from moderation.perspective.errors import ApiError, invalid_request
from moderation.policy import Action
from moderation.service.asking import Answer, Asked, write
from moderation.service.documents import OPENAI
from moderation.service.front import Endpoint
from moderation.service.judging import judge
from moderation.service.own_routes import read
from moderation.service.parts import Service
from moderation.serving import Served

KEY_REASONS = frozenset({"API_KEY_INVALID", "CREDENTIALS_MISSING"})
PICTURES = "Pictures are not scored here: send text only."
NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Any name.",
    "schema": {"type": "string", "pattern": "^[^/]+$"},
}


def endpoints(service: Service) -> Iterator[Endpoint]:
    """Yield the endpoints of a service."""
    decoder = msgspec.json.Decoder(openai.ModerationRequest)

    async def moderate(asked: Asked) -> Answer:
        """
        Return whether texts are harmful, as OpenAI's endpoint does.

        A text is flagged where a category applies, or where the site's policy would hold or remove
        it. Categories that no attribute stands for are 0: `/v1/models/NAME` lists them. Pictures
        are refused.
        """
        key = service.gate.admit(asked, Scope.SCORE)
        texts = read(decoder, await service.body(asked)).texts
        if texts is None:
            raise invalid_request(PICTURES)
        service.gate.charge(asked, key, len(texts))
        return await service.work(
            sum(map(len, texts)), lambda: write(_moderate(service, asked.served, texts))
        )

    async def models(asked: Asked) -> Answer:
        """List the models: there is one."""
        service.gate.admit(asked, Scope.SCORE)
        return write({"object": "list", "data": [_describe(service, asked.served)]})

    async def model(asked: Asked) -> Answer:
        """Return the model in use, whatever the name, and which categories it does not score."""
        service.gate.admit(asked, Scope.SCORE)
        return write(_describe(service, asked.served))

    yield Endpoint(
        "POST",
        "/v1/moderations",
        moderate,
        refuse,
        summary="Whether texts are harmful, by category",
        tag=OPENAI,
        takes=openai.ModerationRequest,
        gives=openai.ModerationAnswer,
        scope=Scope.SCORE,
        refuses=(429,),
    )
    yield Endpoint(
        "GET",
        "/v1/models",
        models,
        refuse,
        summary="All models: the one in use",
        tag=OPENAI,
        gives=openai.Models,
        scope=Scope.SCORE,
    )
    yield Endpoint(
        "GET",
        "/v1/models/{name}",
        model,
        refuse,
        summary="A model",
        tag=OPENAI,
        gives=openai.Model,
        scope=Scope.SCORE,
        parameters=(NAME,),
    )


def refuse(error: ApiError) -> Answer:
    """Return an error in OpenAI's shape; a key that is missing or wrong is 401 there."""
    status = 401 if _is_about_key(error) else error.code
    kind = (
        "invalid_request_error" if status < 429 else "requests" if status == 429 else "server_error"
    )
    answer = write(openai.make_error(str(error), kind=kind), status=status)
    headers = tuple((name.encode(), value.encode()) for name, value in error.headers.items())
    return answer._replace(headers=headers)


def _is_about_key(error: ApiError) -> bool:
    return any(detail.get("reason") in KEY_REASONS for detail in error.details)


def _moderate(service: Service, served: Served, texts: list[str]) -> openai.ModerationAnswer:
    judged = judge(texts, served=served, detect=service.detect)
    service.metrics.observe(judged.scored.own()[:, 0])
    by_category = service.categories(served)
    return openai.ModerationAnswer(
        f"modr-{uuid.uuid4().hex}",
        openai.model_name(served.version),
        [
            openai.make_result(
                dict(zip(served.attributes, scores, strict=True)),
                by_category=by_category,
                held=verdict.action is not Action.APPROVE,
            )
            for scores, verdict in zip(judged.scored.even().tolist(), judged.verdicts, strict=True)
        ],
    )


def _describe(service: Service, served: Served) -> openai.Model:
    return openai.describe_model(served.version, by_category=service.categories(served))

"""The endpoint for Coral's external moderation phase."""

from collections.abc import Iterator

import msgspec

from moderation import coral
from moderation.keys import Scope
from moderation.service.asking import Answer, Asked, write
from moderation.service.documents import CORAL
from moderation.service.front import Endpoint
from moderation.service.judging import Place, judge
from moderation.service.own_routes import read
from moderation.service.parts import Service
from moderation.service.refusals import unsigned
from moderation.serving import Served


def endpoints(service: Service) -> Iterator[Endpoint]:
    """Yield the endpoints of a service."""
    decoder = msgspec.json.Decoder(coral.PhaseRequest)
    codes = coral.check_codes(service.configuration.coral.codes)

    async def moderate(asked: Asked) -> Answer:
        """
        Say what the policy does with a new or changed comment.

        An empty answer is no opinion: Coral goes on as if nobody had been asked. With secrets set,
        the signature that Coral makes with one of them is checked, and no key is needed; without,
        a key for scores is.
        """
        body = await _read_signed(asked)
        request = read(decoder, body)
        return await service.work(len(body), lambda: _answer(asked.served, request))

    async def _read_signed(asked: Asked) -> bytes:
        """
        Return the body of a request that Coral signed; without secrets a key is as good.

        Raises:
            ApiError: no signature of it was made with one of the secrets.

        """
        if not service.coral_secrets:
            service.gate.admit(asked, Scope.SCORE)
            return await service.body(asked, of_one=True)
        body = await service.body(asked, of_one=True)
        signature = asked.header(coral.SIGNATURE.lower().encode())
        if not coral.is_signed(body, signature, secrets=service.coral_secrets):
            raise unsigned()
        return body

    def _answer(served: Served, request: coral.PhaseRequest) -> Answer:
        place = Place(community=request.site.id if request.site else None)
        judged = judge([request.text], served=served, detect=service.detect, places=[place])
        service.metrics.observe(judged.scored.own()[:, 0])
        return write(coral.answer(judged.verdicts[0], codes=codes))

    yield Endpoint(
        "POST",
        "/coral",
        moderate,
        summary="What to do with a comment",
        tag=CORAL,
        takes=coral.PhaseRequest,
        gives=coral.PhaseAnswer,
        scope=None if service.coral_secrets else Scope.SCORE,
        is_signed=bool(service.coral_secrets),
        refuses=(403,),
    )

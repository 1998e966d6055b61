"""Coral's external moderation phase: what it sends, whether it signed it, and what it is answered.

After Coral's documentation of external moderation phases and its own test server; a phase runs
last, and only where no phase before it has decided.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from moderation.errors import ServiceError
from moderation.policy import Action, Cause, Verdict
from moderation.text import markup_to_text

SIGNATURE: Final = "X-Coral-Signature"
_SCHEME: Final = "sha256="

REJECTION_CODES: Final = frozenset(
    {
        "OFFENSIVE", "ABUSIVE", "SPAM", "BANNED_WORD", "AD", "ILLEGAL_CONTENT",
        "HARASSMENT_BULLYING", "MISINFORMATION", "HATE_SPEECH", "IRRELEVANT_CONTENT", "OTHER",
    }
)  # fmt: skip

CODES: Final = {
    "personal abuse": "HARASSMENT_BULLYING",
    "threats": "ABUSIVE",
    "hate": "HATE_SPEECH",
    "spam": "SPAM",
    "off topic": "IRRELEVANT_CONTENT",
    "private data": "OTHER",
    "other": "OTHER",
}
"""Coral's code for a removal by the house rules that come with the desk; others are OTHER."""


Reason: TypeAlias = Literal["COMMENT_DETECTED_TOXIC", "COMMENT_DETECTED_SPAM"]


class CommentBody(Struct, rename={"parent_id": "parentID"}):
    """The comment as it was written: text, or HTML where Coral's editor makes it."""

    body: Annotated[str, Meta(description="Text or HTML")]
    parent_id: str | None = None


class Author(Struct):
    """Who wrote it; nothing of it is used or kept."""

    id: str | None = None
    role: str | None = None


class Story(Struct):
    """The article it is on."""

    id: str | None = None
    url: str | None = None


class Site(Struct):
    """One of the sites of an organisation."""

    id: str | None = None


class PhaseRequest(Struct, rename={"tenant_id": "tenantID", "tenant_domain": "tenantDomain"}):
    """What Coral sends of a comment that is new, or was changed by its author."""

    action: Literal["NEW", "EDIT"]
    comment: CommentBody
    author: Author | None = None
    story: Story | None = None
    site: Site | None = None
    tenant_id: str | None = None
    tenant_domain: str | None = None

    @property
    def text(self) -> str:
        """The words a reader would see."""
        return markup_to_text(self.comment.body)


class FlagAction(Struct, rename={"action_type": "actionType"}):
    """A flag that Coral shows its moderators."""

    action_type: Literal["FLAG"]
    reason: Reason


class RejectionReason(Struct):
    """Why a comment was rejected."""

    code: str


class ModerationAction(Struct, rename={"rejection_reason": "rejectionReason"}):
    """The reason that goes with a status."""

    status: str
    rejection_reason: RejectionReason


class PhaseAnswer(Struct, rename={"moderation_action": "moderationAction"}, omit_defaults=True):
    """Empty where the policy has no opinion: Coral goes on as if nobody had been asked."""

    status: Literal["APPROVED", "REJECTED", "SYSTEM_WITHHELD"] | None = None
    actions: list[FlagAction] = []
    moderation_action: ModerationAction | None = None


def is_signed(body: bytes, header: str | None, *, secrets: Sequence[str]) -> bool:
    """
    Tell whether one of the signatures of a body was made with one of the secrets.

    Coral sends several while a secret is being replaced. Each is compared in constant time.
    """
    found = [part.strip() for part in (header or "").split(",")]
    wanted = [
        _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets
    ]
    alike = [hmac.compare_digest(a.encode(), b.encode()) for a in found for b in wanted]
    return any(alike)


def answer(verdict: Verdict, *, codes: Mapping[str, str]) -> PhaseAnswer:
    """
    Return what a policy's verdict says in Coral's words.

    What the policy does without a person is approved or rejected; what it only proposes is
    withheld, so that a moderator decides. Where no rule matches, Coral goes on by itself.
    """
    if verdict.action is Action.APPROVE:
        is_sure = verdict.cause is Cause.RULE and verdict.automatic
        return PhaseAnswer("APPROVED") if is_sure else PhaseAnswer()
    house_rule = verdict.rule.house_rule if verdict.rule else None
    code = codes.get(house_rule or "", "OTHER")
    reason: Reason = "COMMENT_DETECTED_SPAM" if code in {"SPAM", "AD"} else "COMMENT_DETECTED_TOXIC"
    flags = [FlagAction("FLAG", reason)] if verdict.cause is Cause.RULE else []
    if verdict.action is Action.HOLD or not verdict.automatic:
        return PhaseAnswer("SYSTEM_WITHHELD", flags)
    return PhaseAnswer("REJECTED", flags, ModerationAction("REJECTED", RejectionReason(code)))


def check_codes(codes: Mapping[str, str]) -> Mapping[str, str]:
    """
    Return codes by house rule: those that come with the desk, and the site's own.

    Raises:
        ServiceError: one is not a code of Coral's.

    """
    for rule, code in codes.items():
        if code not in REJECTION_CODES:
            raise ServiceError(
                f"house rule {rule!r}: {code!r} is no rejection code of Coral's; expected one of "
                f"{', '.join(sorted(REJECTION_CODES))}"
            )
    return {**CODES, **codes}

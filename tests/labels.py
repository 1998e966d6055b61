"""Labels as another system would send them, in few words."""

from uuid import UUID

from moderation.comments import Comment
from moderation.review import SentLabel
from tests.desks import after, remark


def uuid(number: int) -> str:
    return str(UUID(int=number, version=4))


def sent(number: int = 1, comment: Comment | None = None, value: float = 1.0, **facts) -> SentLabel:
    """Return a label of the site's own on a comment, minutes after noon as its number says."""
    known = {
        "comment": comment or remark(),
        "attribute": "LIKELY_TO_REJECT",
        "removes": True,
        "sent_by": "coral",
        "received_at": after(number),
    }
    return SentLabel(id=uuid(number), value=value, **(known | facts))


def insult(number: int = 1, comment: Comment | None = None, **facts) -> SentLabel:
    """Return a label that tells no outcome."""
    return sent(number, comment, 0.9, attribute="INSULT", removes=False, **facts)

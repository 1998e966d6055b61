"""What the BBC's comment pages share: the sentences in place of a comment, replies, times."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moderation.comments import Status

# In place of a removed comment's words. The sentence has to be the whole comment: readers quote it.
# "because the moderators found it": seed page 002; "because it": pages of 2016 on; "has been
# deemed": what the comment's own author sees; a rule after a colon: the sample archive's pages.
_REMOVED = re.compile(
    r"((?:This|Your) (?:comment|post) (?:was|has been) removed"
    r"(?:(?: because (?:the moderators found )?it broke| and has been deemed to break)"
    r" the house rules(?:: [\w ]{1,40})?)?)\.?(?:\s*Explain\.?)?",
    re.I,
)
_PENDING = re.compile(
    r"(This (?:comment|post) (?:is awaiting moderation|has been referred for further "
    r"consideration))\.?(?:\s*Explain\.?)?",
    re.I,
)
_REPLY = re.compile(r"#(\d{1,6})\b")
# "#1 fan" boasts, "#1 I doubt it" replies.
_RANK = re.compile(r"#1 (?:fan|priority|reason|choice|rule|concern|cause|problem|issue)\b", re.I)
_PAGE_OF = re.compile(r"^[^\w\n]*Page (\d{1,5}) of (\d{1,5})[^\w\n]*$", re.M)
_AGO = re.compile(r"(\d{1,4})\s+(minute|hour|day|week)s?\s+ago", re.I)
_CLOCK_FIRST = re.compile(r"^\d{1,2}:\d{2}\b")
_SIGNED = re.compile(r"[+−-]?\d{1,9}")


@dataclass(frozen=True)
class Placeholder:
    """A sentence that the page shows in place of a comment's words."""

    status: Status
    reason: str


@dataclass(frozen=True)
class PageNumber:
    """Which page of how many."""

    page: int
    pages: int


def find_placeholder(text: str) -> Placeholder | None:
    """
    Return what a comment's text says became of it, or None where a reader wrote it.

    >>> find_placeholder("This comment was removed because it broke the house rules. Explain")
    ... # doctest: +NORMALIZE_WHITESPACE
    Placeholder(status=<Status.REMOVED: 'removed'>,
                reason='This comment was removed because it broke the house rules.')
    >>> find_placeholder("This comment was removed because it broke the house rules, they said!")
    """
    line = " ".join(text.split())  # saved as text, the sentence may go over two lines
    for status, pattern in ((Status.REMOVED, _REMOVED), (Status.PENDING, _PENDING)):
        if match := pattern.fullmatch(line):
            return Placeholder(status, f"{match[1]}.")
    return None


def find_reply_number(text: str, *, number: int | None) -> int | None:
    """
    Return the number a comment answers: `#16` at its start, and an earlier one than its own.

    >>> find_reply_number("#16 I doubt it", number=18)
    16
    >>> find_reply_number("#20 is my house", number=18)
    >>> find_reply_number("#1 fan of the ferry here", number=18)
    """
    match = _REPLY.match(text)
    if match is None or _RANK.match(text) or (number is not None and int(match[1]) >= number):
        return None
    return int(match[1])


def find_page_number(text: str) -> PageNumber | None:
    """Return what a line such as "Page 1 of 2" says."""
    match = _PAGE_OF.search(text)
    return PageNumber(int(match[1]), int(match[2])) if match else None


def read_count(shown: str) -> int | None:
    """
    Return a signed number as shown; a missing or unreadable one is unknown, not zero.

    >>> read_count(" 1,204 "), read_count("−3"), read_count("")
    (1204, -3, None)
    """
    digits = shown.strip().replace(",", "")
    return int(digits.replace("−", "-")) if _SIGNED.fullmatch(digits) else None


def parse_time(shown: str, *, captured_at: datetime | None) -> datetime | None:
    """
    Return when a comment was made; "5 hours ago" needs the time of the capture.

    The page does not say its time zone: it is read as UTC.

    >>> parse_time("5 July 2013 14:02", captured_at=None)
    datetime.datetime(2013, 7, 5, 14, 2, tzinfo=datetime.timezone.utc)
    >>> parse_time("2 hours ago", captured_at=None)
    """
    shown = " ".join(shown.split())
    if shown.lower() == "just now":
        return captured_at
    if ago := _AGO.fullmatch(shown):
        passed = timedelta(**{f"{ago[2].lower()}s": int(ago[1])})
        return captured_at - passed if captured_at else None
    layouts = ("%H:%M %d %B %Y", "%H:%M %d %b %Y")
    if not _CLOCK_FIRST.match(shown):
        layouts = ("%d %B %Y %H:%M", "%d %b %Y %H:%M")
    for layout in layouts:
        try:
            return datetime.strptime(shown, layout).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None

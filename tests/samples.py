"""Made-up comments in neutral words, of which a model can learn something."""

from collections.abc import Iterator

from moderation.comments import Comment, Status

KEPT_WORDS = (
    *("river", "bridge", "ferry", "library", "garden"),
    *("timetable", "lantern", "harbour", "market", "museum"),
)
REMOVED_WORDS = ("zorble", "quimp", "fribble", "snarg", "plonkish", "wuzzle", "drabbet", "grumf")


def labelled_comments(
    *, removed: int = 60, kept: int = 140, articles: int = 20
) -> Iterator[Comment]:
    """Yield comments whose removal two invented words tell, spread over articles."""
    for number in range(removed + kept):
        is_removed = number < removed
        words = REMOVED_WORDS if is_removed else KEPT_WORDS
        filler = KEPT_WORDS[number % 7], KEPT_WORDS[number % 9]
        yield Comment(
            id=str(number),
            text=f"{filler[0]} {words[number % len(words)]} {filler[1]} number {number}",
            source="csv",
            status=Status.REMOVED if is_removed else Status.PUBLISHED,
            article_id=f"https://courier.example/{number % articles}",
        )

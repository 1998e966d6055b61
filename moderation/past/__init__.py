"""Past comments as columns: what policies are settled on, replayed on and compared on."""

from moderation.past.comments import Categories, PastComments, Words
from moderation.past.tables import read_ids, read_past, read_texts

__all__ = [
    "Categories",
    "PastComments",
    "Words",
    "read_ids",
    "read_past",
    "read_texts",
]

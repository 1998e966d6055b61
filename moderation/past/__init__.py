"""Past comments as columns: what policies are settled on, replayed on and compared on."""

from moderation.past.comments import Categories, PastComments, Words
from moderation.past.tables import OWN_ATTRIBUTE, read_ids, read_past, read_texts

__all__ = [
    "OWN_ATTRIBUTE",
    "Categories",
    "PastComments",
    "Words",
    "read_ids",
    "read_past",
    "read_texts",
]

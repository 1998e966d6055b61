"""Which of a model's heads answers for an attribute that a client names."""

from collections.abc import Iterable, Mapping

from moderation.errors import ModerationError
from moderation.perspective.errors import unknown_attribute


class AttributeTable:
    """
    Names of attributes with the heads that score them: each head's own, and those of a site.

    A site's name may be one of a head's: then it means what the site says. What has no head is
    refused, never invented.

    >>> table = AttributeTable(["LIKELY_TO_REJECT", "INSULT"], {"ATTACK_ON_AUTHOR": "INSULT"})
    >>> table.find_head("ATTACK_ON_AUTHOR"), table.find_head("INSULT")
    ('INSULT', 'INSULT')
    """

    def __init__(self, heads: Iterable[str], site: Mapping[str, str] | None = None) -> None:
        """
        Take the model's heads and the site's names.

        Raises:
            ModerationError: a name of the site's means no head of the model, or is empty.

        """
        own = list(heads)
        for name, head in (site or {}).items():
            if not name or head not in own:
                raise ModerationError(
                    f"the attribute {name!r} is to be scored by {head!r}; expected a name and one "
                    f"of the model's attributes: {', '.join(own)}"
                )
        self._heads = {**{head: head for head in own}, **(site or {})}

    @property
    def names(self) -> tuple[str, ...]:
        """What a client may ask for."""
        return tuple(self._heads)

    def find_head(self, name: str) -> str:
        """
        Return the head that scores an attribute.

        Raises:
            ApiError: there is none.

        """
        head = self._heads.get(name)
        if head is None:
            raise unknown_attribute(name)
        return head

"""How often tests do what finds more the more often it is done: seldom for each change."""

import os


def repeat(usually: int, *, thoroughly: int) -> int:
    """Return the second number where `THOROUGH` is set, as it is every night."""
    return thoroughly if os.environ.get("THOROUGH") else usually

"""Chooses what a person sees of that which rules do without one, blind."""

import hashlib

from moderation.policy.deciding import Verdict


def is_audited(verdict: Verdict, key: str, *, secret: str) -> bool:
    """
    Tell whether an automatic action goes to a person all the same.

    The share of actions that the rule's `audit` says is chosen, by a hash of the comment's key: a
    comment asked about twice gets the same answer, and nothing has to be remembered. Without
    the site's `secret` nobody can foresee which ones. What was not done by a promising rule has no
    audit. An audited action weighs 1 / `audit`.
    """
    if not verdict.automatic or verdict.rule is None:
        return False
    named = "\0".join((secret, verdict.policy, verdict.rule.name, key))
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < verdict.rule.audit * 2**64

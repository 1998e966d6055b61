"""Processes for tests, forked from one that has imported what they need: they begin fast."""

from multiprocessing import get_context

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["moderation.database", "moderation.delivery", "moderation.review.audit", "psycopg"]
)

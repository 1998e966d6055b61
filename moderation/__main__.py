"""`python -m moderation`: says which commands there are."""

import sys

COMMANDS = {
    "parse": "reads pages, exports and tables into one table",
    "train": "learns from removals, measures, and saves the model",
    "evaluate": "measures a model on labelled comments",
    "capture": "keeps the Perspective API's scores of comments while it answers",
    "passport": "carries thresholds on old scores over to a model's",
    "policy": "decides what is done with a scored comment: checks, settles, replays, watches",
    "base": "learns the base model from public corpora",
    "score": "adds a model's scores to a table",
    "serve": "answers other systems over HTTP, as the Perspective API did",
    "export": "writes moderators' decisions as a table",
    "audit": "tells whether the history of decisions was changed",
    "retention": "erases words and authors after some days, or on request",
    "labels": "looks after labels that were sent and could not be recorded",
    "keys": "makes, lists and revokes API keys of the service",
    "migrate": "brings the review desk's database to another schema",
}


def main() -> int:
    """Print the commands; none was named, so the exit status is that of bad usage."""
    print("usage: python -m moderation.COMMAND --help", file=sys.stderr)
    for name, purpose in COMMANDS.items():
        print(f"  {name:9} {purpose}", file=sys.stderr)
    print("The review desk: streamlit run streamlit_app.py", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

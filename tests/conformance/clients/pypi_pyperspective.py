"""`PyPerspective` 1.0.4: its address is fixed, and it tries a key with an empty request."""

import json
import sys


def main() -> None:
    plan = json.loads(sys.argv[1])
    from redirect import redirect

    redirect()
    from PyPerspective.Perspective import Perspective

    def refusal(call):
        try:
            return {"answered": str(call())}
        except Exception as error:
            return {"raised": type(error).__name__, "said": str(error)}

    api = Perspective(plan["key"])
    comment = api.get_score(plan["text"], tests=["TOXICITY", "INSULT"], langs=["en"])
    found = {
        "scores": {one.name: one.score for one in comment.attributes},
        "types": sorted({one.score_type for one in comment.attributes}),
        "spans": [str(span) for span in comment["TOXICITY"].spans],
        "ends": [[span.start, span.end] for span in comment["TOXICITY"].spans],
        "languages": comment.requests_langs,
        "detected": comment.detected_langs,
        "empty": refusal(lambda: api.get_score("")),
        "unknown": refusal(lambda: api.get_score(plan["text"], tests={"TULIP": {}})),
        "wrong key": refusal(lambda: Perspective(plan["wrong_key"])),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

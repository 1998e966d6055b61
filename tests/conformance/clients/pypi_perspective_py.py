"""`perspective.py` 0.3.4: a fixed address for discovery, and messages that it takes apart."""

import json
import sys


def main() -> None:
    plan = json.loads(sys.argv[1])
    from redirect import redirect

    redirect()
    from perspective import Client

    def refusal(call):
        try:
            return {"answered": call()}
        except Exception as error:
            return {"raised": type(error).__name__, "said": str(error)}

    api, text, both = Client(plan["key"]), plan["text"], ["TOXICITY", "INSULT"]
    found = {
        "percent": api.analyze(text, attributes=list(both), language="en"),
        "raw": api.analyze(text, attributes=["TOXICITY"], language="en", return_raw=True),
        "other language": refusal(lambda: api.analyze(text, list(both), language="om")),
        "skipped": api.analyze(text, list(both), language="om", skip_on_lang=True),
        "unknown": refusal(lambda: api.analyze(text, ["FLIRTATION"])),
        "wrong key": refusal(lambda: str(Client(plan["wrong_key"]))),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

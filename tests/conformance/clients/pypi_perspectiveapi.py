"""`perspectiveapi` 1.1.0: its address is fixed; the blocking client and the other."""

import asyncio
import json
import sys


def main() -> None:
    plan = json.loads(sys.argv[1])
    from redirect import redirect

    redirect()
    from perspective import Attribute, Perspective
    from perspective.blocking import Perspective as Blocking

    def refusal(call):
        try:
            return {"answered": call().toxicity}
        except Exception as error:
            return {"raised": type(error).__name__, "said": str(error)}

    both = [Attribute.TOXICITY, Attribute.INSULT]
    waiting = asyncio.run(Perspective(plan["key"]).score(plan["text"], both))
    blocking = Blocking(plan["key"]).score(plan["text"], both)
    found = {
        "async": {"TOXICITY": waiting.toxicity, "INSULT": waiting.insult},
        "blocking": {"TOXICITY": blocking.toxicity, "INSULT": blocking.insult},
        "not asked": blocking.threat,
        "empty": refusal(lambda: Blocking(plan["key"]).score("")),
        "wrong key": refusal(lambda: Blocking(plan["wrong_key"]).score(plan["text"])),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

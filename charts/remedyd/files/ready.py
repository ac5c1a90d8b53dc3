"""Run by `helm test`: is the daemon ready, and is it closed to whoever has no token?"""

import json
import sys
import time
import urllib.error
import urllib.request


def ask(path: str) -> tuple[int, str]:
    """Return status and body; 0 and the reason where nobody answers."""
    try:
        url = sys.argv[1] + path
        with urllib.request.urlopen(url, timeout=15) as answer:  # noqa: S310 - the chart's own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, f"{sys.argv[1]}: {error}"


def say(*words: object) -> None:
    """Write a line for `helm test --logs`."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def ready() -> bool:
    """Wait a while, and say what stands in the way, or what to look at."""
    status, body = 0, ""
    for attempt in range(8):
        time.sleep(5 if attempt else 0)
        status, body = ask("/readyz")
        if status == 200:
            say("ready")
            for notice in json.loads(body)["notices"]:
                say("notice:", notice)
            return True
    say("not ready:", body)
    return False


def closed() -> bool:
    """See that nothing is shown without a token."""
    status, _ = ask("/v1/proposals")
    say("without a token:", status)
    return status == 401


if not (ready() and closed()):
    sys.exit(1)

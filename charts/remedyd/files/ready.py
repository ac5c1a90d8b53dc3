"""Run by `helm test`: is the daemon ready, and is it closed to whoever has no token?"""

import json
import sys
import time
import urllib.error
import urllib.request


def ask(path: str) -> tuple[int, str]:
    """Return status and body; 0 and the reason where nobody answers."""
    try:
        with urllib.request.urlopen(sys.argv[1] + path, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, f"{sys.argv[1]}: {error}"


def ready() -> bool:
    """Wait a while, and print what stands in the way, or what to look at."""
    status, body = 0, ""
    for attempt in range(8):
        time.sleep(5 if attempt else 0)
        status, body = ask("/readyz")
        if status == 200:
            print("ready")
            for notice in json.loads(body)["notices"]:
                print("notice:", notice)
            return True
    print("not ready:", body)
    return False


def closed() -> bool:
    """See that nothing is shown without a token."""
    status, _ = ask("/v1/proposals")
    print("without a token:", status)
    return status == 401


if not (ready() and closed()):
    sys.exit(1)

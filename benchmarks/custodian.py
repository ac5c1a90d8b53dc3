"""The rules of `decisions.py` as filters of Cloud Custodian, timed by its own interpreter.

Cloud Custodian pins other releases than remedyd needs, so it lives in an environment of its own.
Reads {"rows": [...], "policies": [[filter, ...], ...]} from standard input and prints the best of
five rounds in seconds of processor time, with the number of pairs (policy, row) that match.

Not run by hand: `decisions.py --custodian PYTHON` does.
"""

import json
import sys
import time

from c7n.filters import ValueFilter
from c7n.version import version

ROUNDS = 5


def main() -> None:
    """Print the figures as JSON."""
    given = json.load(sys.stdin)
    policies = [[ValueFilter(one).validate() for one in policy] for policy in given["policies"]]
    best, matched = float("inf"), 0
    for _ in range(ROUNDS):
        began = time.process_time()
        matched = sum(
            len([row for row in given["rows"] if all(one(row) for one in policy)])
            for policy in policies
        )
        best = min(best, time.process_time() - began)
    print(json.dumps({"seconds": best, "matched": matched, "version": version}))


if __name__ == "__main__":
    main()

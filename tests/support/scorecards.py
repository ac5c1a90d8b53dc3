"""Scorecards over the small audit and policy of `support.policytests`."""

from pathlib import Path

from remedyd.testing.policytest.loading import load_suites
from remedyd.testing.scorecard.card import Card, run
from remedyd.testing.scorecard.scenarios import SCORECARDS
from support.policytests import HEAD, POLICY, ROW, folder

CARD = HEAD.replace("PolicyTest", "Scorecard")
BROKEN = f"rows: [{{at: 1m, until: 20m, row: {ROW}}}]"
"""The policy proposes UpdateResources for shop/cart at 2m; at 17m it expires."""
CART = "target: Deployment/shop/cart"


def write(directory: Path, *answers: str, policy: str = POLICY, story: str = BROKEN) -> Path:
    """Write a scorecard with one scenario for each answer; return its path."""
    path = folder(directory, policy) / "card.yaml"
    made = [f"  - name: s{i}\n    {story}\n    {answer}\n" for i, answer in enumerate(answers)]
    path.write_text(f"{CARD}scenarios:\n{''.join(made)}")
    return path


def card(directory: Path, *answers: str, policy: str = POLICY, story: str = BROKEN) -> Card:
    """Return the card of such scenarios."""
    path = write(directory, *answers, policy=policy, story=story)
    return Card(tuple(run(load_suites([path], SCORECARDS))))


def told(found: Card) -> list[str]:
    """Return why scenarios failed."""
    return [f.problem.message for one in found.scored for f in one.result.failures]

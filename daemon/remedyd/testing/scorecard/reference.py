"""The fields of scorecards for the documentation; those of stories are told with policy tests."""

from remedyd.testing.policytest.reference import Parts
from remedyd.testing.scorecard import schema

PARTS: Parts = (
    ("The file", schema.ScorecardFile),
    ("scenarios[]", schema.ScenarioSpec),
    ("scenarios[].must[]", schema.MustSpec),
    ("scenarios[].may[]", schema.MaySpec),
    ("scenarios[].never[]", schema.NeverSpec),
)

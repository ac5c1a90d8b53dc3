"""Reading YAML written by people: audits, policies, policy tests, settings.

One reader for all of them, so that every mistake is reported the same way: all at once, each with
file, line and column. The price is a second look at every scalar (a few microseconds per key).
"""

from remedyd.documents.allowance import Allowance
from remedyd.documents.document import Damaged, Document, load, problem, read
from remedyd.documents.suggest import did_you_mean
from remedyd.documents.validation import problems_of, validate
from remedyd.documents.values import (
    Duration,
    Model,
    Name,
    Percent,
    PositiveDuration,
    format_duration,
)

__all__ = [
    "Allowance",
    "Damaged",
    "Document",
    "Duration",
    "Model",
    "Name",
    "Percent",
    "PositiveDuration",
    "did_you_mean",
    "format_duration",
    "load",
    "problem",
    "problems_of",
    "read",
    "validate",
]

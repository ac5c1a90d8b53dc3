"""What a container gets by its environment is not shown: passwords stand there too often.

A plan that goes back to an earlier template holds both templates whole. Whoever may see a proposal
need not be allowed to read the workload, so values of variables are replaced wherever a plan is
shown; equal ones by the same words, so that it can still be seen which of them change. What is
written, and what the digest covers, is the value itself.
"""

from typing import Any

_LONGEST = 60


def hidden(*values: Any) -> tuple[Any, ...]:
    """Return copies of JSON values without what variables hold, alike for equal ones."""
    known: dict[str, int] = {}

    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: [variable(one) for one in inner]
                if key == "env" and isinstance(inner, list)
                else copied(inner)
                for key, inner in value.items()
            }
        return [copied(one) for one in value] if isinstance(value, list) else value

    def variable(one: Any) -> Any:
        if not isinstance(one, dict) or not isinstance(one.get("value"), str) or not one["value"]:
            return copied(one)
        return {**one, "value": f"(hidden {known.setdefault(one['value'], len(known) + 1)})"}

    return tuple(copied(value) for value in values)


def short(value: object) -> str:
    """Return a value in a few words: a whole pod template would bury the sentence around it."""
    text = "absent" if value is None else str(hidden(value)[0])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

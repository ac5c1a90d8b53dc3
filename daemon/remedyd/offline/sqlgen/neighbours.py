"""Counters over time buckets: each bucket of a series beside the ones right before and after.

A gain between the last sample of one bucket and the first of the next belongs to both, so a
bucket cannot be computed alone.
"""

from __future__ import annotations

from remedyd.offline.functions.arithmetic import interval
from remedyd.offline.plan import Column, Interpolate
from remedyd.offline.sqlgen.literals import identifier
from remedyd.offline.types import DataType


def beside_sql(step: Interpolate, rows: str) -> str:
    """Return the SELECT that puts the states of the adjacent buckets beside each row's own."""
    moment, width = _moment(step.bucket), interval(step.width)
    items = [
        f"CASE WHEN {side}({moment}) OVER w = {moment} {sign} {width} "
        f"THEN {side}({identifier(gain.state.sql)}) OVER w END AS {_beside(gain.state, side)}"
        for gain in step.gains
        for side, sign in (("lag", "-"), ("lead", "+"))
    ]
    series = ", ".join(identifier(column.sql) for column in step.series)
    partition = f"PARTITION BY {series} " if series else ""
    window = f"WINDOW w AS ({partition}ORDER BY {identifier(step.bucket.sql)})"
    return f"SELECT *, {', '.join(items)} FROM {rows} {window}"


def gains_sql(step: Interpolate, rows: str) -> str:
    """Return the SELECT that adds the gains to the rows of `beside_sql`."""
    moment = _moment(step.bucket)
    low, high = _seconds(moment), _seconds(f"{moment} + {interval(step.width)}")
    items = [
        f"esql_interpolated{'_rate' if gain.rate else ''}({identifier(gain.state.sql)}, "
        f"{_beside(gain.state, 'lag')}, {_beside(gain.state, 'lead')}, {low}, {high}) "
        f"AS {identifier(gain.column.sql)}"
        for gain in step.gains
    ]
    return f"SELECT *, {', '.join(items)} FROM {rows}"


def _beside(state: Column, side: str) -> str:
    return identifier(f"{state.sql}~{side}")


def _moment(bucket: Column) -> str:
    name = identifier(bucket.sql)
    return f"esql_micros({name})" if bucket.type is DataType.DATE_NANOS else name


def _seconds(moment: str) -> str:
    return f"(epoch_ms({moment}) / 1000e0)"

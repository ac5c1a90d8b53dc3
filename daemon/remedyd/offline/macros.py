"""SQL macros for conversions whose Java behaviour takes more than one expression to state.

They keep generated SQL short and each rule in one place; DuckDB expands them while binding.
"""

from __future__ import annotations

_ISO = (
    r"\d{4}(-\d{2}(-\d{2}(T(\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?)?"
)
_SIGNED = r"[+-]?\d+"
_DECIMAL = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"


def _long(name: str, symbol: str) -> str:
    """Return the macro of an operation on longs; a query states it in a word, to be read fast.

    The operation itself notices an overflow, at no cost for all that is none.
    """
    tried = f"TRY(a {symbol} b)"
    return f"""esql_long_{name}(a, b, note) AS
        CASE WHEN {tried} IS NULL AND a IS NOT NULL AND b IS NOT NULL THEN note ELSE {tried} END"""


MACROS = (
    # Null, and evaluating it leaves a trace: the sequence moves.
    "esql_note(site) AS CASE WHEN nextval(site) > 0 THEN NULL END",
    "esql_finite(x, note) AS CASE WHEN isfinite(x) THEN x WHEN x IS NOT NULL THEN note END",
    _long("sum", "+"),
    _long("difference", "-"),
    _long("product", "*"),
    # Half away from zero, by way of a power of ten, as Java does it.
    """esql_round(x, power) AS CASE WHEN isinf(x * power) THEN x
        ELSE round(abs(x * power)) / power * CASE WHEN x * power > 0 THEN 1 ELSE -1 END END""",
    # What a counter gained: a fall is a restart from zero. Null for fewer than two samples.
    """esql_resets(v) AS coalesce(list_sum(list_transform(range(2, len(v) + 1),
        lambda i: CASE WHEN v[i] < v[i - 1] THEN v[i - 1] ELSE 0 END)), 0)""",
    "esql_increase(v) AS CASE WHEN len(v) > 1 THEN v[-1] + esql_resets(v) - v[1] END",
    # Extrapolation to the bounds of a bucket as Prometheus does it: all the way when a sample is
    # near enough, else by half the mean distance of samples; a counter never starts below zero.
    # `s` is the state of one series in one bucket: its values `v` in order of time, and the times
    # `t1` and `t2` of the first and the last of them in seconds.
    """esql_reach(gap, mean) AS
        CASE WHEN gap <= 0 THEN 0e0 WHEN gap > mean * 1.1e0 THEN mean / 2e0 ELSE gap END""",
    "esql_slope(s) AS (s.v[-1] + esql_resets(s.v) - s.v[1]) / (s.t2 - s.t1)",
    """esql_opening(s, low) AS CASE WHEN s.t1 > low THEN greatest(0e0,
        s.v[1] - esql_reach(s.t1 - low, (s.t2 - s.t1) / len(s.v)) * esql_slope(s))
        ELSE s.v[1] END""",
    """esql_closing(s, high) AS s.v[-1] + esql_resets(s.v)
        + esql_reach(high - s.t2, (s.t2 - s.t1) / len(s.v)) * esql_slope(s)""",
    """esql_extrapolated(s, low, high) AS
        CASE WHEN len(s.v) > 1 THEN esql_closing(s, high) - esql_opening(s, low) END""",
    # What was gained from the last sample of a bucket to the first of the next: a counter that
    # fell started again from zero.
    """esql_gained(a, b) AS
        CASE WHEN b.v[1] >= a.v[-1] THEN b.v[1] - a.v[-1] ELSE b.v[1] END""",
    # The line through these two samples, read at the bound between their buckets.
    """esql_between(a, b, start, bound) AS
        start + esql_gained(a, b) / (b.t1 - a.t2) * (bound - a.t2)""",
    """esql_first(s, p, low) AS CASE
        WHEN len(p.v) > 0 THEN
            esql_between(p, s, CASE WHEN s.v[1] >= p.v[-1] THEN p.v[-1] ELSE 0e0 END, low)
        WHEN len(s.v) = 1 THEN s.v[1] ELSE esql_opening(s, low) END""",
    """esql_last(s, n, high) AS CASE
        WHEN len(n.v) > 0 THEN esql_between(s, n, s.v[-1], high) + esql_resets(s.v)
        WHEN len(s.v) = 1 THEN s.v[1] ELSE esql_closing(s, high) END""",
    # How much of the bucket that covers: a single sample without a neighbour does not reach on.
    """esql_covered(s, p, n, low, high) AS
        CASE WHEN len(s.v) = 1 AND coalesce(len(n.v), 0) = 0 THEN s.t2 ELSE high END
        - CASE WHEN len(s.v) = 1 AND coalesce(len(p.v), 0) = 0 THEN s.t1 ELSE low END""",
    # A sole sample right at the start: its gain belongs to the bucket before.
    """esql_interpolated(s, p, n, low, high) AS CASE
        WHEN coalesce(len(s.v), 0) = 0 THEN NULL
        WHEN esql_covered(s, p, n, low, high) > 0
        THEN esql_last(s, n, high) - esql_first(s, p, low)
        WHEN len(p.v) > 0 THEN 0e0 END""",
    """esql_interpolated_rate(s, p, n, low, high) AS CASE
        WHEN coalesce(len(s.v), 0) = 0 THEN NULL
        WHEN esql_covered(s, p, n, low, high) > 0
        THEN (esql_last(s, n, high) - esql_first(s, p, low)) / esql_covered(s, p, n, low, high)
        WHEN len(p.v) > 0 THEN esql_gained(p, s) / (s.t1 - p.t2) END""",
    """esql_instant_rate(v, t) AS CASE WHEN len(v) > 1 AND t[1] > t[2] THEN
        (CASE WHEN v[1] < v[2] THEN v[1] ELSE v[1] - v[2] END)
        * 1000 / (epoch_ms(t[1]) - epoch_ms(t[2])) END""",
    # A cast of nanoseconds to microseconds would round.
    "esql_micros(x) AS make_timestamp(epoch_ns(x) // 1000)",
    # Java counts months between dates by calendar fields: from the 31st to the 30th is not whole.
    """esql_calendar(x) AS (year(x) * 12 + month(x)) * 2764800000000 + day(x) * 86400000000
        + epoch_us(x) - epoch_us(date_trunc('day', x))""",
    "esql_months(a, b) AS (esql_calendar(b) - esql_calendar(a)) // 2764800000000",
    # DuckDB's cube root is off by one digit; one step of Newton's method settles it.
    "esql_newton(r, x) AS r - (r * r * r - x) / (3 * r * r)",
    "esql_cbrt(x) AS CASE WHEN x = 0 THEN x ELSE esql_newton(cbrt(x), x) END",
    # Java prints a double in plain digits from 0.001 up to 10 million, else as 1.5E10.
    """esql_scientific(digits, exponent) AS
        left(digits, 1) || '.' || coalesce(nullif(rtrim(substr(digits, 2), '0'), ''), '0')
        || 'E' || exponent""",
    """esql_positive_text(t) AS CASE
        WHEN contains(t, 'e') THEN esql_scientific(
            replace(split_part(t, 'e', 1), '.', ''), CAST(split_part(t, 'e', 2) AS INTEGER))
        WHEN starts_with(t, '0.') THEN esql_scientific(
            ltrim(substr(t, 3), '0'), len(ltrim(substr(t, 3), '0')) - len(t) + 1)
        ELSE esql_scientific(replace(t, '.', ''), len(split_part(t, '.', 1)) - 1) END""",
    """esql_double_text(x) AS CASE
        WHEN x = 0 OR abs(x) BETWEEN 0.001 AND 9999999.999999999 THEN CAST(x AS VARCHAR)
        WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        ELSE CASE WHEN x < 0 THEN '-' ELSE '' END
            || esql_positive_text(CAST(abs(x) AS VARCHAR)) END""",
    f"""esql_text_double(t) AS
        CASE WHEN regexp_full_match(t, '{_DECIMAL}') THEN TRY_CAST(trim(t) AS DOUBLE) END""",
    # Math.round: halves go up, also below zero.
    "esql_double_whole(x) AS TRY_CAST(floor(x + 0.5) AS HUGEINT)",
    f"""esql_text_whole(t) AS CASE WHEN regexp_full_match(t, '{_SIGNED}')
        THEN TRY_CAST(t AS HUGEINT) ELSE esql_double_whole(esql_text_double(t)) END""",
    # A cast of text to TIMESTAMP ignores the offset, so the offset is read apart.
    r"""esql_zone_seconds(t) AS
        CASE WHEN regexp_matches(t, 'T.*[+-]') THEN
            (CASE WHEN contains(split_part(t, 'T', 2), '-') THEN -1 ELSE 1 END)
            * (CAST(regexp_extract(t, 'T.*[+-](\d{2})', 1) AS BIGINT) * 3600
               + coalesce(TRY_CAST(regexp_extract(t, 'T.*[+-]\d{2}:?(\d{2})', 1) AS BIGINT), 0)
               * 60)
        ELSE 0 END""",
    r"""esql_local_text(t) AS
        replace(regexp_replace(t, '(T[^Z+-]*)(Z|[+-].*)$', '\1'), ',', '.')""",
    f"""esql_text_timestamp(t) AS CASE WHEN regexp_full_match(t, '{_ISO}') THEN
        TRY_CAST(esql_local_text(t)
            || substr('0000-01-01T00:00:00', least(len(esql_local_text(t)), 19) + 1)
            AS TIMESTAMP) - to_seconds(esql_zone_seconds(t)) END""",
    r"""esql_text_nanos(t) AS make_timestamp_ns(epoch_ns(esql_text_timestamp(t)) // 1000 * 1000
        + CAST(substr(rpad(regexp_extract(t, '[.,](\d{1,9})', 1), 9, '0'), 7) AS BIGINT))""",
    "esql_timestamp_text(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ')",
    """esql_nanos_tail(r) AS CASE WHEN r = '000000' THEN '' WHEN ends_with(r, '000')
        THEN left(r, 3) ELSE r END""",
    """esql_nanos_text(x) AS strftime(esql_micros(x), '%Y-%m-%dT%H:%M:%S.%g')
        || esql_nanos_tail(printf('%06d', epoch_ns(x) % 1000000)) || 'Z'""",
)

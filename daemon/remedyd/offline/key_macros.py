"""SQL macros that translate IP addresses and versions to the keys they are stored as, and back."""

from __future__ import annotations

_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_BYTE}(\.{_BYTE}){{3}}"
_GROUPS = r"([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?"
_MAIN = r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*"
_PRE = r"-(?:[0-9]+|[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*"
_BUILD = r"\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*"

KEY_MACROS = (
    # The four bytes of an IPv4 address as hexadecimal digits.
    """esql_bytes(t) AS printf('%02x%02x%02x%02x',
        TRY_CAST(split_part(t, '.', 1) AS INTEGER), TRY_CAST(split_part(t, '.', 2) AS INTEGER),
        TRY_CAST(split_part(t, '.', 3) AS INTEGER), TRY_CAST(split_part(t, '.', 4) AS INTEGER))""",
    # An IPv6 address may end in the notation of an IPv4 one.
    f"""esql_pure_ip6(t) AS CASE WHEN contains(t, '.')
        THEN CASE WHEN regexp_full_match(regexp_extract(t, '[^:]*$'), '{_IPV4}')
            THEN regexp_extract(t, '^.*:')
                || left(esql_bytes(regexp_extract(t, '[^:]*$')), 4) || ':'
                || right(esql_bytes(regexp_extract(t, '[^:]*$')), 4) END
        ELSE t END""",
    "esql_groups(s) AS CASE WHEN s = '' THEN CAST([] AS VARCHAR[]) ELSE string_split(s, ':') END",
    """esql_padded(s) AS array_to_string(
        list_transform(esql_groups(s), lambda g: lpad(g, 4, '0')), '')""",
    f"""esql_ip6_key(t) AS CASE
        WHEN regexp_full_match(t, '([0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}') THEN esql_padded(t)
        WHEN len(string_split(t, '::')) = 2
            AND regexp_full_match(split_part(t, '::', 1), '{_GROUPS}')
            AND regexp_full_match(split_part(t, '::', 2), '{_GROUPS}')
            AND len(esql_groups(split_part(t, '::', 1)))
                + len(esql_groups(split_part(t, '::', 2))) <= 7
        THEN esql_padded(split_part(t, '::', 1))
            || repeat('0', 32 - len(esql_padded(split_part(t, '::', 1)))
                - len(esql_padded(split_part(t, '::', 2))))
            || esql_padded(split_part(t, '::', 2)) END""",
    f"""esql_ip_key(t) AS CASE WHEN regexp_full_match(t, '{_IPV4}')
        THEN '00000000000000000000ffff' || esql_bytes(t)
        WHEN contains(t, ':') THEN esql_ip6_key(esql_pure_ip6(lower(t))) END""",
    # Without leading zeros, the longest run of groups that are zero (two or more) as `::`.
    """esql_plain_groups(k) AS ':' || array_to_string(list_transform(range(0, 8),
        lambda i: coalesce(nullif(ltrim(substr(k, CAST(i * 4 + 1 AS INTEGER), 4), '0'), ''), '0')),
        ':') || ':'""",
    """esql_zeros(s) AS list_filter([8, 7, 6, 5, 4, 3, 2],
        lambda n: contains(s, ':' || repeat('0:', n)))[1]""",
    """esql_ip6_text(s, n) AS CASE WHEN n IS NULL THEN s[2:-2]
        ELSE left(s, instr(s, ':' || repeat('0:', n)) - 1)[2:] || '::'
            || rtrim(substr(s, instr(s, ':' || repeat('0:', n)) + 1 + 2 * n), ':') END""",
    """esql_byte_text(k, i) AS CAST(CAST('0x' || substr(k, i, 2) AS INTEGER) AS VARCHAR)""",
    """esql_ip_text(k) AS CASE WHEN starts_with(k, '00000000000000000000ffff')
        THEN esql_byte_text(k, 25) || '.' || esql_byte_text(k, 27) || '.'
            || esql_byte_text(k, 29) || '.' || esql_byte_text(k, 31)
        WHEN k IS NOT NULL
        THEN esql_ip6_text(esql_plain_groups(k), esql_zeros(esql_plain_groups(k))) END""",
    # The length of each number before it.
    r"""esql_numbered(t) AS array_to_string(list_transform(regexp_extract_all(t, '\d+|\D+'),
        lambda p: CASE WHEN regexp_full_match(p, '\d+')
            THEN chr(1) || chr(CAST(128 + len(p) AS INTEGER)) || p ELSE p END), '')""",
    r"""esql_pre_release(t) AS chr(2) || '-' || array_to_string(list_transform(
        string_split(t[2:], '.'),
        lambda p: CASE WHEN regexp_full_match(p, '\d+') THEN chr(1) ELSE '' END
            || esql_numbered(p)), '.')""",
    f"""esql_version_key(t) AS CASE WHEN t = '' THEN chr(3)
        WHEN NOT regexp_full_match(t, '{_MAIN}({_PRE})?({_BUILD})?') THEN t
        ELSE esql_numbered(regexp_extract(t, '^{_MAIN}'))
            || CASE WHEN regexp_matches(t, '^{_MAIN}-')
                THEN esql_pre_release(regexp_extract(t, '^{_MAIN}({_PRE})', 1)) ELSE chr(3) END
            || regexp_extract(t, '{_BUILD}$') END""",
    r"""esql_version_text(k) AS
        regexp_replace(k, '\x01+[\x{80}-\x{ff}]|[\x01-\x03]', '', 'g')""",
)

"""The regular expressions behind GROK's names, as far as RE2 can say them exactly.

`PLAIN` patterns match wherever they stand. `BOUNDED` ones may not begin or end within a longer
value, which the originals say with look-around; beside each are the characters that must not
stand next to it. None of them has a group that captures.
"""

from __future__ import annotations

_LABEL = r"[0-9A-Za-z][0-9A-Za-z-]{0,62}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[0-1]?[0-9]{1,2})"
_IPV4 = rf"(?:{_OCTET}[.]{_OCTET}[.]{_OCTET}[.]{_OCTET})"
_NARROW = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}"
_IPV6 = "(?:{})(?:%.+)?".format(
    "|".join(
        (
            rf"(?:{_HEX}:){{7}}(?:{_HEX}|:)",
            rf"(?:{_HEX}:){{6}}(?::{_HEX}|{_NARROW}|:)",
            rf"(?:{_HEX}:){{5}}(?:(?::{_HEX}){{1,2}}|:{_NARROW}|:)",
            rf"(?:{_HEX}:){{4}}(?:(?::{_HEX}){{1,3}}|(?::{_HEX})?:{_NARROW}|:)",
            rf"(?:{_HEX}:){{3}}(?:(?::{_HEX}){{1,4}}|(?::{_HEX}){{0,2}}:{_NARROW}|:)",
            rf"(?:{_HEX}:){{2}}(?:(?::{_HEX}){{1,5}}|(?::{_HEX}){{0,3}}:{_NARROW}|:)",
            rf"(?:{_HEX}:){{1}}(?:(?::{_HEX}){{1,6}}|(?::{_HEX}){{0,4}}:{_NARROW}|:)",
            rf":(?:(?::{_HEX}){{1,7}}|(?::{_HEX}){{0,5}}:{_NARROW}|:)",
        )
    )
)
_LOCAL = r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]"
_NUMBER = r"(?:[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))"
_ENGLISH_MONTHS = (
    "Jan(?:uary|uar)? Feb(?:ruary|ruar)? M(?:a|ä)?r(?:ch|z)? Apr(?:il)? Ma(?:y|i)? Jun(?:e|i)? "
    "Jul(?:y|i)? Aug(?:ust)? Sep(?:tember)? O(?:c|k)?t(?:ober)? Nov(?:ember)? De(?:c|z)(?:ember)?"
)
_MONTH = "|".join(f"[{one[0]}{one[0].lower()}]{one[1:]}" for one in _ENGLISH_MONTHS.split())

PLAIN = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "INT": r"(?:[+-]?(?:[0-9]+))",
    "POSINT": r"\b(?:[1-9][0-9]*)\b",
    "NONNEGINT": r"\b(?:[0-9]+)\b",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"[a-zA-Z0-9._-]+",
    "UUID": r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}",
    "LOGLEVEL": (
        r"(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo?(?:rmation)?"
        r"|INFO?(?:RMATION)?|[Ww]arn?(?:ing)?|WARN?(?:ING)?|[Ee]rr?(?:or)?|ERR?(?:OR)?"
        r"|[Cc]rit?(?:ical)?|CRIT?(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|EMERG(?:ENCY)?"
        r"|[Ee]merg(?:ency)?)"
    ),
    "YEAR": r"(?:\d\d){1,2}",
    "MONTH": rf"\b(?:{_MONTH})\b",
    "MONTHNUM": r"(?:0?[1-9]|1[0-2])",
    "MONTHDAY": r"(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])",
    "DAY": (
        r"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?"
        r"|Sun(?:day)?)"
    ),
    "HOUR": r"(?:2[0123]|[01]?[0-9])",
    "MINUTE": r"(?:[0-5][0-9])",
    "SECOND": r"(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)",
    "ISO8601_TIMEZONE": r"(?:Z|[+-](?:2[0123]|[01]?[0-9])(?::?(?:[0-5][0-9])))",
    "IPV6": f"(?:{_IPV6})",
    "HOSTNAME": rf"\b(?:{_LABEL})(?:\.(?:{_LABEL}))*(?:\.?|\b)",
    "EMAILLOCALPART": rf"{_LOCAL}{{1,64}}(?:\.{_LOCAL}{{1,62}})*",
    "UNIXPATH": r"(?:/[\w%!$@:.,+~-]*)+",
    "PATH": r"(?:(?:/[\w%!$@:.,+~-]*)+|(?:[A-Za-z]{1,2}:|\\)(?:\\[^\\?*]*)+)",
    "URIPROTO": r"[A-Za-z](?:[A-Za-z0-9+\-.]+)+",
    "URIPATH": r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+",
    "URIPARAM": r"\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*",
    "PROG": r"[\x21-\x5a\x5c\x5e-\x7e]+",
    "MAC": (
        r"(?:(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}|(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}"
        r"|(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2})"
    ),
}
PLAIN["EMAILADDRESS"] = f"{PLAIN['EMAILLOCALPART']}@{PLAIN['HOSTNAME']}"
PLAIN["URIPATHPARAM"] = f"{PLAIN['URIPATH']}(?:{PLAIN['URIPARAM']})?"
PLAIN["TIMESTAMP_ISO8601"] = (
    f"{PLAIN['YEAR']}-{PLAIN['MONTHNUM']}-{PLAIN['MONTHDAY']}[T ]{PLAIN['HOUR']}:?"
    f"{PLAIN['MINUTE']}(?::?{PLAIN['SECOND']})?{PLAIN['ISO8601_TIMEZONE']}?"
)
_TIME = f"{PLAIN['HOUR']}:{PLAIN['MINUTE']}(?::{PLAIN['SECOND']})"
PLAIN["HTTPDATE"] = f"{PLAIN['MONTHDAY']}/{PLAIN['MONTH']}/{PLAIN['YEAR']}:{_TIME} {PLAIN['INT']}"
_DIGITS = "0123456789"
BOUNDED = {
    "NUMBER": (_NUMBER, "0123456789.+-"),
    "BASE10NUM": (_NUMBER, "0123456789.+-"),
    "IPV4": (_IPV4, _DIGITS),
    "IP": (f"(?:{_IPV6}|{_IPV4})", _DIGITS),
    "IPORHOST": (f"(?:{_IPV6}|{_IPV4}|{PLAIN['HOSTNAME']})", _DIGITS),
    "TIME": (_TIME, _DIGITS),
    "SYSLOGTIMESTAMP": (f"{PLAIN['MONTH']} +{PLAIN['MONTHDAY']} {_TIME}", _DIGITS),
    "QUOTEDSTRING": (
        r"""(?:"(?:\\.|[^\\"]+)+"|""|'(?:\\.|[^\\']+)+'|''|`(?:\\.|[^\\`]+)+`|``)""",
        "\\",
    ),
}
BOUNDED["QS"] = BOUNDED["QUOTEDSTRING"]
SUPPORTED = tuple(sorted({*PLAIN, *BOUNDED}))

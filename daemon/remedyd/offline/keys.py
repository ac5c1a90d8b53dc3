"""IP addresses and versions as text that sorts the way they do.

As written, 9.0.0.1 sorts after 10.0.0.1 and 1.9 after 1.10. Stored as such keys, every
comparison, MIN, MAX, SORT and TOP is right without knowing about the type; only what reads or
shows a value has to translate.
"""

from __future__ import annotations

import ipaddress
import re

_VERSION = re.compile(
    r"(?P<main>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*)"
    r"(?P<pre>-(?:[0-9]+|[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?P<build>\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
NUMBER, PRE_RELEASE, RELEASE = "\x01", "\x02", "\x03"


def ip_key(text: str) -> str | None:
    """Return the 32 hexadecimal digits of an address, None for what is none.

    An IPv4 address is kept as the IPv6 address that stands for it.
    """
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return f"{0xFFFF:024x}{int(address):08x}"
    return f"{int(address):032x}"


def block_keys(text: str) -> tuple[str, str] | None:
    """Return the keys of the first and last address of a CIDR block, None for what is none."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    low, high = ip_key(str(network[0])), ip_key(str(network[-1]))
    return (low, high) if low and high else None


def version_key(text: str) -> str:
    """Return the key of a version: parts that are numbers sort as such, a pre-release first.

    What is not a version is its own key and sorts after all that are.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        return text or RELEASE
    key = _digits(match["main"])
    if match["pre"]:
        parts = match["pre"][1:].split(".")
        key += f"{PRE_RELEASE}-" + ".".join(map(_part, parts))
    else:
        key += RELEASE
    return key + (match["build"] or "")


def _part(text: str) -> str:
    return (NUMBER if text.isdigit() else "") + _digits(text)


def _digits(text: str) -> str:
    """Put the length of each number before it, so that longer numbers sort later."""
    return re.sub(r"\d+", lambda run: f"{NUMBER}{chr(0x80 + len(run[0]))}{run[0]}", text)

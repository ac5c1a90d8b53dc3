"""Do two clocks agree? Windows and expiries are meaningless where they do not."""

from datetime import datetime
from typing import Final

from remedyd.doctor.finding import Finding, Part

_FINE_SECONDS: Final = 5.0
_BAD_SECONDS: Final = 30.0
_FIX: Final = "run a time service (chrony, systemd-timesyncd) on the nodes"


def skew(part: Part, there: datetime, here: datetime) -> Finding:
    """Compare a time that another machine told with ours; both aware."""
    seconds = (there - here).total_seconds()
    detail = f"its clock is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(seconds) > _BAD_SECONDS:
        return part.fail("clock", detail, _FIX)
    if abs(seconds) > _FINE_SECONDS:
        return part.warn("clock", detail, _FIX)
    return part.ok("clock", f"agrees within {_FINE_SECONDS:.0f} s")

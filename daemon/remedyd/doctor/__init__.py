"""`remedyd doctor`: looks at everything the daemon depends on, and says how to mend what is wrong.

It only reads. Each part is examined on its own, so that one that is down does not hide the rest.
"""

from remedyd.doctor.examination import examine
from remedyd.doctor.finding import Finding, Health

__all__ = ["Finding", "Health", "examine"]

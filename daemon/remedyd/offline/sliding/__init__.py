"""One query over many windows at once: the incremental pass of a backtest.

The daemon runs an audit again and again over a window that moves. Over a recording this asks the
same documents as often as windows overlap, and pays for every run. Here the verified plan of the
query is kept as it is, but with the window left open: every document is joined to the windows
that contain it, and whatever looks at several rows (STATS, LIMIT) does so per window.

Only a query whose window enters as a bound on `@timestamp` can be opened like that; any other is
refused with the reason, and is run window by window.
"""

from remedyd.offline.sliding.opening import CannotSlide
from remedyd.offline.sliding.query import SlidingQuery, open_query
from remedyd.offline.sliding.series import Series
from remedyd.offline.sliding.sieve import Sieve, Sifted, Sifter

__all__ = [
    "CannotSlide",
    "Series",
    "Sieve",
    "Sifted",
    "Sifter",
    "SlidingQuery",
    "open_query",
]

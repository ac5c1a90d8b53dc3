"""Backtests: what policies would have proposed over weeks of recorded telemetry.

The daemon's own audit runner and `decide()` run at every point in time. What makes weeks take
seconds is the source beneath them: it answers a query for hundreds of windows at once, before
they are asked for, and leaves out rows that no policy acts on.
"""

"""Tests of policies: rows or telemetry in, proposals and their patches out, no cluster needed.

The daemon's own audit runner, `decide()` and planner are called; what is replaced is where rows,
live objects and the time come from. So a test and the daemon cannot differ in what they decide.
Left out is what only a server can say: its dry run, admission, and how a rollout goes.
"""

"""The scorecard: policies are graded against incidents whose right answer is known.

A policy test says what one policy does, reason by reason, and belongs to that policy. A scenario
says what is right, whoever proposes it; so any policies can be graded with it, and compared.
Stories, rows, recordings, live objects and `decide()` are those of policy tests.
"""

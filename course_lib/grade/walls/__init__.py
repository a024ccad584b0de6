"""Where students' code runs, and the side of the grader that talks to it: start, ask, end.

What is promised, and what is not: docs/guides/security.md.
"""

"""The code behind course_lib/exercises.py: how an answer is asked and its reply compared, as JSON.

Instant checks, nbgrader's hidden tests and the grader all ask in this one way.
"""

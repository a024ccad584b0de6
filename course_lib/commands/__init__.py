"""The code behind course_lib/cli.py: the verbs for learners.

Those for teachers are in grade/commands.py.
"""

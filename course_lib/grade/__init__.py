"""The grader: collect submissions, run each in a sandbox, ask it, compare here, report.

Where to look
- for what is handed in, and what of it counts: intake/
- for where students' code runs: walls/
- for who decides: running.py runs one submission's cells, examine.py asks and compares, engine.py
  does it for a class; noticed.py is what a teacher may look at besides
- for what was earned, and where it goes: results/
- for what a teacher does before: release.py, verify.py, doctor.py; and a student: selfcheck.py
- for the command: commands.py, verb by verb; conditions.py has the options of `verify` and `grade`
"""

"""Formulas in plain Python, nothing imported: schedules by family, what their parameters may be.

The code behind course_lib/schedules.py, which says what a formula is, and where each has its public
name. A new one is written here, in its family (decays.py, warmups.py, cycles.py or combined.py),
and needs a line in GALLERY there.
"""

"""Formulas in plain Python, nothing imported: schedules by family, what their parameters may be.

The room behind course_lib/schedules.py, where every formula has its public name. A new schedule is
written here, in its family: decays.py, warmups.py, cycles.py or combined.py.
"""

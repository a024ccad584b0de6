"""The code behind course_lib/training.py: the models, and the updates in each framework."""

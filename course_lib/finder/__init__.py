"""The code behind course_lib/lr_finder.py: single updates in each framework, and the four ways to
read a learning rate off a sweep.
"""

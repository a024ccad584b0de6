"""The code behind course_lib/data.py: files, downloads and stand-ins."""

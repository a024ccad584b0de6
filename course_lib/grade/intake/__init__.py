"""What is handed in, and what of it counts: from the files of strangers to the answers, as text.

Nothing here runs a line of a student's.
"""

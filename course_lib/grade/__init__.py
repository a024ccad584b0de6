"""The grader: collect submissions, run each in a sandbox, ask it, compare here, report."""

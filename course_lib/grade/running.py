"""The cells of one submission on their way through a workshop, within the submission's time.

A process that a cell has killed is made anew without that cell: it costs its own question only.
"""

import time
from dataclasses import replace

from course_lib.grade.intake.match import Plan
from course_lib.grade.walls.messages import Outcome, stopped
from course_lib.grade.walls.session import Session, Workshop

STARTS = 40  # processes for one submission, each of which costs the grader time of its own
LONGEST_RECORD = 4 << 20  # characters of all cells' outputs together
LATE = 2 / 3  # of the time or the processes; then only what is known to be quick is run besides
QUICK = 0.1  # of the time that one cell may take


class Running:
    """The processes of one submission, and what came of its cells."""

    def __init__(self, plan: Plan, workshop: Workshop) -> None:
        self.plan, self.workshop, self.limits = plan, workshop, workshop.limits
        self.seconds, self.peak_mb = 0.0, 0.0
        self.starts, self.to_record = 0, LONGEST_RECORD
        self.outcomes: dict[int, Outcome] = {}  # by step
        self.blamed: dict[int, str] = {}  # step -> why it was stopped; not run again
        self.quick: set[int] = set()  # steps

    def open(self, upto: int | None = None) -> Session | None:
        """A fresh process in which the steps before `upto` (all) have been run, without those that
        stop it; None when the submission's time or number of processes is used up."""
        while not self.used_up():
            self.starts += 1
            session = self.workshop.open(self.limits.total_seconds - self.seconds)
            if self._run(session, upto):
                return session
            self.close(session)
        return None

    def _run(self, session: Session, upto: int | None) -> bool:
        """Whether the process lived through the steps before `upto` (all)."""
        begun = time.monotonic() - self.seconds
        for index, step in enumerate(self.plan.steps[:upto]):
            if index in self.blamed:
                continue
            before = time.monotonic()
            if step.kind == "extra" and index not in self.quick and self._late(before - begun):
                why = "starts" if self.starts > LATE * STARTS else "total"
                self.outcomes.setdefault(index, stopped(why, self.limits))
                continue
            outcome = session.run(step.source)
            if time.monotonic() - before < QUICK * self.limits.cell_seconds:
                self.quick.add(index)
            if index not in self.outcomes:
                self.outcomes[index] = replace(outcome, output=outcome.output[: self.to_record])
                self.to_record -= len(self.outcomes[index].output)
            if outcome.stopped:
                self.outcomes[index] = outcome
                self.blamed[index] = outcome.stopped
                return False
        return True

    def _late(self, seconds: float) -> bool:
        """Whether the student's own cells must leave the rest to the answers."""
        return seconds > LATE * self.limits.total_seconds or self.starts > LATE * STARTS

    def used_up(self) -> str:
        """What the submission has no more of, as a reason for which it is stopped; "" for none."""
        if self.starts >= STARTS:
            return "starts"
        return "total" if self.seconds >= self.limits.total_seconds else ""

    def close(self, session: Session) -> None:
        """End the process; what it took counts."""
        usage = session.close()
        self.seconds += usage.seconds
        self.peak_mb = max(self.peak_mb, usage.peak_mb)

"""Widgets: controls, the picture of what they are set to, and the code that sets the same."""

from course_lib.widgets.cycle_composer import cycle_composer
from course_lib.widgets.explorer import explore
from course_lib.widgets.lab import lab
from course_lib.widgets.milestones import milestones
from course_lib.widgets.noise_floor import noise_floor
from course_lib.widgets.puzzles import puzzle
from course_lib.widgets.valley import plot_valley, valley, valley_path, valley_regime

__all__ = [
    "cycle_composer",
    "explore",
    "lab",
    "milestones",
    "noise_floor",
    "plot_valley",
    "puzzle",
    "valley",
    "valley_path",
    "valley_regime",
]

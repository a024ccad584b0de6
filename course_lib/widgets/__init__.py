"""Widgets: controls, the picture of what they are set to, and the code that sets the same."""

from typing import TYPE_CHECKING, Any

from course_lib.widgets.cycle_composer import cycle_composer
from course_lib.widgets.explorer import explore
from course_lib.widgets.finder_reader import finder_reader
from course_lib.widgets.milestones import milestones
from course_lib.widgets.noise_floor import noise_floor
from course_lib.widgets.plateau_cuts import plateau_cuts
from course_lib.widgets.puzzles import puzzle
from course_lib.widgets.resume import kill_and_resume
from course_lib.widgets.seeds import how_many_seeds
from course_lib.widgets.valley import plot_valley, valley, valley_path, valley_regime
from course_lib.widgets.warmup_map import warmup_map

if TYPE_CHECKING:
    from course_lib.widgets.training_lab import lab

__all__ = [
    "cycle_composer",
    "explore",
    "finder_reader",
    "how_many_seeds",
    "kill_and_resume",
    "lab",
    "milestones",
    "noise_floor",
    "plateau_cuts",
    "plot_valley",
    "puzzle",
    "valley",
    "valley_path",
    "valley_regime",
    "warmup_map",
]


def __getattr__(name: str) -> Any:
    """The lab, where it is asked for: it alone needs ipywidgets."""
    if name == "lab":
        from course_lib.widgets.training_lab import lab

        return lab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

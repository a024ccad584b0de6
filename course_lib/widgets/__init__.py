"""Widgets: controls, the picture of what they are set to, and the code that sets the same."""

from course_lib.widgets.explorer import explore
from course_lib.widgets.valley import plot_valley, valley, valley_path, valley_regime

__all__ = ["explore", "plot_valley", "valley", "valley_path", "valley_regime"]

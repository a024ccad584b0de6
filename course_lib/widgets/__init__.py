"""Widgets: controls, the picture of what they are set to, and the code that sets the same."""

from course_lib.widgets.valley import plot_valley, valley, valley_path, valley_regime

__all__ = ["plot_valley", "valley", "valley_path", "valley_regime"]

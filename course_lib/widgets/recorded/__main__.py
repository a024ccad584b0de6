"""Make the files of this folder anew."""

import json

from course_lib.widgets.finder_reader import measured
from course_lib.widgets.recorded import HERE
from course_lib.widgets.seeds import recorded as pairs
from course_lib.widgets.warmup_map import recorded as warmup_cells

MADE = {"finder_reader": measured, "warmup_map": warmup_cells, "seeds": pairs}

for name, make in MADE.items():
    text = json.dumps(make(), separators=(",", ":")).replace('],"', '],\n"')
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")

"""The hidden calls of an exercise that a student could read.

Lines of a model answer are looked for where exercises/ is made: course_lib/grade/release.py.
"""

import json
from pathlib import Path

from lesson_exercises import INDEX, exercises_of
from lesson_notebooks import render


def leaks(source: Path, index: str, exercise=None) -> list[str]:
    """Messages about the hidden calls and answers that students can read, in whatever notation.

    `index` is the text of exercises.json, `exercise` the students' notebook (default: as built).
    """
    exercise = exercise or render(source, "exercises")
    places = {cell.id: cell.source for cell in exercise.cells}
    places |= {
        f"exercise {id} ({INDEX})": json.dumps(entry, ensure_ascii=False)
        for id, entry in json.loads(index).items()
    }
    places = {name: "".join(text.split()) for name, text in places.items()}
    found = []
    for each in exercises_of(source).values():
        known = [json.dumps(probe.reply.get("value")) for probe in each.shown]
        for probe in (probe for group in each.hidden for probe in group.probes):
            texts = [json.dumps(probe.call.to_json()), probe.call.written(each.name)]
            answer = json.dumps(probe.reply.get("value"))
            # An answer like 0.5, or like that of a shown call, may stand anywhere.
            texts += [answer] if len(answer) > 8 and answer not in known else []
            for text in texts:
                found += [
                    f"lessons/{source.name}: {name} shows students `{text}`, hidden in exercise "
                    f"{each.id}; hide another call"
                    for name, shown in places.items()
                    if "".join(text.split()) in shown
                ]
    return found

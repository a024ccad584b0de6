"""What a student could read of the answers: looked for without trusting what was cut out."""

import json
import re
from pathlib import Path

from lesson_cells import cut, role
from lesson_exercises import INDEX, exercises_of
from lesson_notebooks import render
from lesson_rules import read_lesson

# Lines of an answer that a student may see: comments, signatures, imports, `return name`.
TRIVIAL = re.compile(r'[#@]|"""|(def|class|import|from)\b|return \w+$')


def leaks(source: Path, exercise=None) -> list[str]:
    """Messages about the lines of model answers that the exercise notebook shows to students.

    An answer is what stands in a solution region or in a cell tagged `answer`. Its short and
    trivial lines do not count, nor those that setup cells or given code have as well.
    """
    answers, given = set(), set()
    for cell in read_lesson(source).cells:
        hidden = cut(source, cell)[1]
        if role(cell) == "exercise" and hidden:
            answers.update(map(str.strip, hidden))
        elif role(cell) == "answer":
            answers.update(map(str.strip, cell.source.split("\n")))
        elif role(cell) == "setup" or (role(cell) == "exercise" and cell.cell_type == "code"):
            given.update(map(str.strip, cell.source.split("\n")))
    secret = {line for line in answers - given if len(line) > 12 and not TRIVIAL.match(line)}
    exercise = exercise or render(source, "exercises")
    lines = [
        f"lessons/{source.name}, cell {cell.id} shows students `{line}`, a line of a model answer; "
        "say it in other words, or put it into a setup cell if it is no secret"
        for cell in exercise.cells
        for line in map(str.strip, cell.source.split("\n"))
        if line in secret
    ]
    return lines + leaked_probes(source, exercise)


def leaked_probes(source: Path, exercise) -> list[str]:
    """Messages about the hidden calls and answers that students can read, in whatever notation."""
    index = source.parents[1] / INDEX
    places = {cell.id: cell.source for cell in exercise.cells}
    places[str(INDEX)] = index.read_text(encoding="utf-8") if index.exists() else ""
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

"""Draw docs/choosing.svg, the figure of the decision guide.

    python tools/choosing_figure.py

A box with a full border stands on records of the course, one with a dashed border does not; the
guide, docs/choosing.md, says which records.
"""

from pathlib import Path
from xml.sax.saxutils import escape

PATH = Path(__file__).resolve().parents[1] / "docs" / "choosing.svg"
WIDTH, HEIGHT, LINE = 820, 560, 19
INK, QUESTION, ANSWER = "#1a1a1a", "#fdf1dc", "#dcecf7"
TITLE = "Which schedule? Five questions from top to bottom"

LEFT, RIGHT = (300, 430), (690, 220)  # columns: centre, width
# name: (column, centre y, lines, kind), a kind being question, answer or open (no record here)
BOXES = {
    "measure": (LEFT, 40, ["Which rates learn? A range test,", "then a sweep around it"], "answer"),
    "start": (
        LEFT,
        140,
        ["1. Do runs fail at the start", "at a rate that works later?"],
        "question",
    ),
    "warm": (RIGHT, 140, ["Warm up to the peak,", "then go on with 2"], "answer"),
    "end": (LEFT, 240, ["2. Do you know how many updates there will be?"], "question"),
    "line": (RIGHT, 240, ["Straight line or cosine", "to zero, all the way"], "answer"),
    "keep": (LEFT, 330, ["3. Can you keep a checkpoint and cool down later?"], "question"),
    "wsd": (RIGHT, 330, ["Constant rate, then a", "cooldown (WSD)"], "answer"),
    "metric": (LEFT, 420, ["4. Have you many held-out images, and patience?"], "question"),
    "plateau": (RIGHT, 420, ["Reduce on plateau"], "open"),
    "free": (LEFT, 510, ["Schedule-free: an average in place of a decay"], "answer"),
    "judge": (RIGHT, 510, ["5. In any case: compare", "over paired seeds"], "question"),
}
YES = [("start", "warm"), ("end", "line"), ("keep", "wsd"), ("metric", "plateau")]
NO = [("start", "end"), ("end", "keep"), ("keep", "metric"), ("metric", "free")]
THEN = [("measure", "start")]


def height(name: str) -> int:
    return 20 + LINE * len(BOXES[name][2])


def box(name: str) -> list[str]:
    (x, width), y, lines, kind = BOXES[name]
    tall = height(name)
    fill = QUESTION if kind == "question" else ANSWER
    dashes = ' stroke-dasharray="6 4"' if kind == "open" else ""
    shape = (
        f'<rect x="{x - width / 2:g}" y="{y - tall / 2:g}" width="{width}" height="{tall}" rx="8" '
        f'fill="{fill}" stroke="{INK}" stroke-width="1.4"{dashes}/>'
    )
    first = y - (len(lines) - 1) * LINE / 2 + 5
    texts = [
        f'<text x="{x}" y="{first + i * LINE:g}" text-anchor="middle">{escape(line)}</text>'
        for i, line in enumerate(lines)
    ]
    return [shape, *texts]


def arrow(start: str, end: str, word: str = "") -> list[str]:
    ((x1, width), y1, *_), ((x2, wide), y2, *_) = BOXES[start], BOXES[end]
    if y1 == y2:
        x1, x2 = x1 + width / 2, x2 - wide / 2 - 8
        place = f'x="{(x1 + x2) / 2:g}" y="{y1 - 7}" text-anchor="middle"'
    else:
        y1, y2 = y1 + height(start) / 2, y2 - height(end) / 2 - 8
        place = f'x="{x1 + 8}" y="{(y1 + y2) / 2 + 5:g}"'
    line = (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{INK}" '
        'stroke-width="1.4" marker-end="url(#head)"/>'
    )
    return [line, f"<text {place}>{word}</text>"] if word else [line]


def figure() -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="15" fill="{INK}">',
        f"<title>{TITLE}</title>",
        '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="1" refY="4" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for pairs, word in ((YES, "yes"), (NO, "no"), (THEN, "")):
        for start, end in pairs:
            parts += arrow(start, end, word)
    for name in BOXES:
        parts += box(name)
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PATH.write_text(figure(), encoding="utf-8")

"""A chart as plain values, and the SVG that shows it.

Everything here runs twice: in Python, for the picture where no kernel is, and in the browser, to
which javascript.py translates it. So it is written in the Python that both know: plain functions,
lists, dictionaries and strings.

A chart is a dictionary
- label: what a screen reader says the picture is.
- x: {"label", "low", "high", "log"}: the axis that all rows share.
- rows: axes from top to bottom, each {"label", "low", "high", "log", "height", "lines", "marks",
  "levels", "x"}; low and high may be None: then the lines decide. "x" is None, or an axis of its
  own where the row does not share the others'.
- lines: {"label", "xs", "ys", "color", "dash", "dots", "width", "steps"}; "dots" draws points, no
  line. "steps" keeps each y until the next x, as a rate is kept until the next update: wherever it
  jumps, and everywhere if there are so few points that each one is seen. Between many points of a
  smooth curve the line stays smooth.
- marks and levels: a line across the axes at {"at", "label", "color"}: marks upright, levels flat.

`chart`, `row`, `line` and `mark` fill in what is not said.
"""

import math

from course_lib.widgets.numbers import fixed, short

WIDTH, LEFT, RIGHT = 640, 66, 20
WIDE = 6  # pixels: from there, each update of a rate has a step that is seen
FAR = 4000  # pixels: what lies beyond is cut off
NOWHERE = 1e12  # pixels: from there, a line to the picture has no direction that a float can hold
FONT = "font-family='DejaVu Sans, Verdana, sans-serif' font-size='12'"


def chart(label, x_label, low, high, rows, log=False):
    """The whole picture."""
    return {
        "label": label,
        "x": {"label": x_label, "low": low, "high": high, "log": log},
        "rows": rows,
    }


def row(label, lines, low=None, high=None, log=False, height=220, marks=None, levels=None, x=None):
    """One pair of axes."""
    return {
        "label": label,
        "lines": lines,
        "low": low,
        "high": high,
        "log": log,
        "height": height,
        "marks": marks or [],
        "levels": levels or [],
        "x": x,
    }


def line(label, xs, ys, color, dash="", dots=False, width=2, steps=False):
    """One line; a y that is no finite number leaves a gap. Without a label it is in no legend."""
    return {
        "label": label,
        "xs": xs,
        "ys": ys,
        "color": color,
        "dash": dash,
        "dots": dots,
        "width": width,
        "steps": steps,
    }


def mark(at, label, color="currentColor", dash="4 3"):
    """A straight line across the axes, with words at its end."""
    return {"at": at, "label": label, "color": color, "dash": dash}


def layout(picture, width=WIDTH):
    """Where each row's legend and axes begin, and how high the picture is, in pixels."""
    top, tops = 6, []
    rows = picture["rows"]
    for number in range(len(rows)):
        top = top + _legend(rows[number]["lines"], top, width)["height"] + 6
        tops.append(top)
        top = top + rows[number]["height"] + (42 if _is_labelled(rows, number) else 14)
    return {"tops": tops, "height": top}


def draw(picture, width=WIDTH):
    """The SVG text of a chart, `width` pixels wide; what is written keeps its size."""
    places, rows, parts = layout(picture, width), picture["rows"], []
    for number in range(len(rows)):
        top = places["tops"][number]
        legend = _legend(rows[number]["lines"], 0, width)
        parts.append(_legend(rows[number]["lines"], top - legend["height"] - 6, width)["svg"])
        x_axis = rows[number]["x"] or picture["x"]
        parts.append(_axes(rows[number], x_axis, top, width, _is_labelled(rows, number)))
    height, label, drawn = fixed(places["height"]), escape(picture["label"]), "".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{label}' {FONT} fill='currentColor'>{drawn}</svg>"
    )


def escape(text):
    """Text that is safe between tags and in quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("'", "&#39;").replace('"', "&quot;")


def place(value, axis, start, end):
    """Where a value of an axis lies between two pixels; None where it has no place."""
    low, high = axis["low"], axis["high"]
    if value is None or not math.isfinite(value) or (axis["log"] and value <= 0):
        return None
    if axis["log"]:
        value, low, high = math.log10(value), math.log10(low), math.log10(high)
    return start + (end - start) * (value - low) / (high - low)


def unplace(pixel, axis, start, end):
    """The value that lies at a pixel: `place`, the other way round."""
    share = (pixel - start) / (end - start)
    if axis["log"]:
        return axis["low"] * (axis["high"] / axis["low"]) ** share
    return axis["low"] + (axis["high"] - axis["low"]) * share


def limits_of(each):
    """The lowest and the highest value that a row's axis shows."""
    low, high, log = each["low"], each["high"], each["log"]
    if low is None or high is None:
        seen = []
        for one in each["lines"]:
            for y in one["ys"]:
                if y is not None and math.isfinite(y) and (y > 0 or not log):
                    seen.append(y)
        if len(seen) == 0:
            seen = [1.0]
        least, most = seen[0], seen[0]
        for y in seen:  # min() and max() of a list would be one call with 10,000 arguments there
            least, most = min(least, y), max(most, y)
        if low is None:
            low = max(least, most * 1e-6) / 1.3 if log else min(0.0, least)
        if high is None:
            high = most * 1.3 if log else most + 0.06 * (most - low)
    if high <= low:
        high = low * 10 if log else low + 1.0
    return {"low": low, "high": high, "log": log}


def ticks(axis, most):
    """Round values across an axis, about `most` of them."""
    low, high = axis["low"], axis["high"]
    found = []
    if axis["log"]:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        every = max(1, math.ceil((last - first) / most))
        for power in range(first, last + 1):
            for digit in [1, 2, 5] if last - first <= 2 else [1]:
                value = digit * 10.0**power
                if power % every == 0 and low * 0.999 <= value <= high * 1.001:
                    found.append(value)
        return found
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    for factor in [10, 5, 2, 1]:
        if factor * size >= rough:
            step = factor * size
    count = math.floor((high - low) / step + 1e-9) + 1
    first = math.ceil(low / step - 1e-9)
    for number in range(count + 1):
        value = (first + number) * step
        if value <= high + 1e-9 * step:
            found.append(value)
    return found


def _legend(lines, top, width):
    """The names of the lines, each with its colour and dashes, in as many rows as that takes."""
    named = [one for one in lines if one["label"]]
    if len(named) == 0:
        return {"svg": "", "height": 0}
    x, y, parts = LEFT, top + 10, []
    for one in named:
        wide = 40 + 7.2 * len(one["label"])
        if x + wide > width and x > LEFT:
            x, y = LEFT, y + 18
        xs = [x + 18] if one["dots"] else [x, x + 24]
        parts.append(_path(xs, [y - 4, y - 4], one))
        parts.append(_text(x + 30, y, one["label"], "start"))
        x = x + wide
    return {"svg": "".join(parts), "height": y - top}


def _is_labelled(rows, number):
    """Whether the x axis of this row says its numbers: where the next one is another axis."""
    return number == len(rows) - 1 or rows[number]["x"] is not rows[number + 1]["x"]


def _axes(each, x_axis, top, width, labelled):
    """One pair of axes with all that is in them."""
    bottom, right, y_axis = top + each["height"], width - RIGHT, limits_of(each)
    parts = [_scales(each["label"], x_axis, y_axis, top, bottom, right, labelled)]
    # An inner svg cuts off what lies outside of the axes.
    x, y, wide, high = fixed(LEFT), fixed(top), fixed(right - LEFT), fixed(bottom - top)
    size = f"x='{x}' y='{y}' width='{wide}' height='{high}'"
    parts.append(f"<svg {size} viewBox='{x} {y} {wide} {high}' overflow='hidden'>")
    for level in each["levels"]:
        y = place(level["at"], y_axis, bottom, top)
        if y is not None:
            parts.append(_straight(LEFT, y, right, y, level["color"], level["dash"], 0.9))
            parts.append(_text(right - 4, y - 4 if y > top + 16 else y + 13, level["label"], "end"))
    for upright in each["marks"]:
        x = place(upright["at"], x_axis, LEFT, right)
        if x is not None:
            side = _side(upright, each["marks"], x_axis, right)
            parts.append(_straight(x, top, x, bottom, upright["color"], upright["dash"], 0.9))
            parts.append(_text(x - 4 if side == "end" else x + 4, top + 12, upright["label"], side))
    for one in each["lines"]:
        xs = [place(x, x_axis, LEFT, right) for x in one["xs"]]
        ys = [place(y, y_axis, bottom, top) for y in one["ys"]]
        parts.append(_path(xs, ys, one))
    parts.append("</svg>")
    return "".join(parts)


def _side(upright, marks, x_axis, right):
    """Where the words of a mark begin: at its right, unless another's or the end is too near."""
    x, wide = place(upright["at"], x_axis, LEFT, right), 8 + 7.2 * len(upright["label"])
    ends = [right]
    for other in marks:
        if other["label"] and other["at"] > upright["at"]:
            ends.append(place(other["at"], x_axis, LEFT, right))
    return "end" if min(ends) - x < wide and x - LEFT > wide else "start"


def _scales(label, x_axis, y_axis, top, bottom, right, labelled):
    """The two axes: their numbers and their names."""
    parts = []
    for value in ticks(y_axis, 5):
        y = place(value, y_axis, bottom, top)
        parts.append(_straight(LEFT, y, right, y, "currentColor", "", 0.15))
        parts.append(_text(LEFT - 6, y + 4, short(value, 6), "end"))
    for value in ticks(x_axis, 8 if right > 500 else 5):
        x = place(value, x_axis, LEFT, right)
        parts.append(_straight(x, bottom, x, bottom + 4, "currentColor", "", 0.6))
        if labelled:
            parts.append(_text(x, bottom + 18, short(value, 6), "middle"))
    parts.append(_straight(LEFT, bottom, right, bottom, "currentColor", "", 0.6))
    parts.append(_straight(LEFT, top, LEFT, bottom, "currentColor", "", 0.6))
    if labelled:
        parts.append(_text((LEFT + right) / 2, bottom + 36, x_axis["label"], "middle"))
    turned = f"translate(14 {fixed((top + bottom) / 2)}) rotate(-90)"
    parts.append(f"<text transform='{turned}' text-anchor='middle'>{escape(label)}</text>")
    return "".join(parts)


def _path(xs, ys, one):
    color = "currentColor" if one["color"] == "#000000" else one["color"]  # on a dark page, white
    if one["dots"]:
        radius, dots = fixed(1.2 + one["width"], 1), []
        for i in range(min(len(xs), len(ys))):
            if is_near(xs[i], ys[i]):
                dots.append(f"<circle cx='{fixed(xs[i], 1)}' cy='{fixed(ys[i], 1)}' r='{radius}'/>")
        drawn = "".join(dots)
        return f"<g fill='{color}'>{drawn}</g>"
    way, width, dash = _way(xs, ys, one["steps"]), short(one["width"]), one["dash"]
    return (
        f"<path d='{way}' fill='none' stroke='{color}' stroke-width='{width}' "
        f"stroke-dasharray='{dash}'/>"
    )


def _way(xs, ys, steps):
    """The d of a path through these places."""
    parts, before = [], None
    for i in range(min(len(xs), len(ys))):
        x, y = xs[i], ys[i]
        if x is None or y is None or max(abs(x), abs(y)) > NOWHERE:
            before = None
            continue
        if before is None:
            if is_near(x, y):
                parts.append(f"M{fixed(x, 1)} {fixed(y, 1)}")
        elif steps and (x - before[0] > WIDE or is_jump(ys, i)):
            parts.append(_piece(before[0], before[1], x, before[1]))
            parts.append(_piece(x, before[1], x, y))
        else:
            parts.append(_piece(before[0], before[1], x, y))
        before = [x, y]
    return "".join(parts)


def is_jump(ys, i):
    """Whether the change up to place i is no part of a smooth curve: far more than those beside it.

    >>> [is_jump([0, 2, 4, 6, 60, 61], i) for i in range(1, 6)]
    [False, False, False, True, False]
    """
    most = 0
    for k in [i - 1, i + 1]:
        if k > 0 and k < len(ys) and ys[k] is not None and ys[k - 1] is not None:
            most = max(most, abs(ys[k] - ys[k - 1]))
    return abs(ys[i] - ys[i - 1]) > max(1, 4 * most)


def is_near(x, y):
    """Whether a place, in pixels, is in the picture or not far outside.

    >>> is_near(100, -50), is_near(100, 1e9), is_near(None, 5)
    (True, False, False)
    """
    return x is not None and y is not None and abs(x) <= FAR and abs(y) <= FAR


def _piece(x0, y0, x1, y1):
    """One straight piece of a path, which stands at its first place; what is far is cut off."""
    if is_near(x0, y0) and is_near(x1, y1):
        return f"L{fixed(x1, 1)} {fixed(y1, 1)}"
    ends = cut(x0, y0, x1, y1)
    if ends is None:
        return ""
    first = "" if is_near(x0, y0) else f"M{fixed(ends[0], 1)} {fixed(ends[1], 1)}"
    return f"{first}L{fixed(ends[2], 1)} {fixed(ends[3], 1)}"


def cut(x0, y0, x1, y1):
    """The part of a straight line that is not farther than FAR from 0; None where there is none.

    >>> cut(0, 0, 8000, 8000), cut(0, 9000, 10, 9000)
    ([0.0, 0.0, 4000.0, 4000.0], None)
    """
    first, last = 0.0, 1.0
    for start, end in [[x0, x1], [y0, y1]]:
        if start != end:
            one, other = (-FAR - start) / (end - start), (FAR - start) / (end - start)
            first, last = max(first, min(one, other)), min(last, max(one, other))
        elif abs(start) > FAR:
            return None
    if first >= last:
        return None
    wide, high = x1 - x0, y1 - y0
    return [x0 + first * wide, y0 + first * high, x0 + last * wide, y0 + last * high]


def _straight(x1, y1, x2, y2, color, dash, opacity):
    return (
        f"<path d='M{fixed(x1, 1)} {fixed(y1, 1)}L{fixed(x2, 1)} {fixed(y2, 1)}' stroke='{color}' "
        f"stroke-dasharray='{dash}' stroke-opacity='{short(opacity)}'/>"
    )


def _text(x, y, text, anchor):
    at = f"x='{fixed(x, 1)}' y='{fixed(y, 1)}'"
    return f"<text {at} text-anchor='{anchor}'>{escape(text)}</text>"

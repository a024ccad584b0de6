"""Texts for people: what strangers wrote, made safe to show; numbers, counts and widths."""

import re
import unicodedata
from typing import Any

LONGEST_TEXT = 20_000  # characters of one answer or output that a page shows
# Terminal commands: colours, titles, links. What is left of a broken one is shown as a symbol.
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def made_safe(text: Any, longest: int = LONGEST_TEXT) -> str:
    """The text without terminal commands, cut, every invisible character shown as what it is.

    >>> made_safe("a\\x1b[31mred\\x1b[0m \\u202eevil\\x00")
    'ared [U+202E]evil␀'
    """
    text = str(text)
    whole = len(text)
    # Cut first, widely: to take commands out of 100 MB takes long, and makes a text only shorter.
    text = TERMINAL.sub("", text[: 4 * longest]).replace("\r\n", "\n")
    shown = "".join(map(_visible, text[:longest]))
    if whole <= 4 * longest and len(text) <= longest:
        return shown
    return f"{shown}\n... (cut: {whole:,} characters in all)"


def in_one_line(text: Any, longest: int = 300) -> str:
    """The text as `made_safe` does, in one line."""
    return " ".join(made_safe(text, longest).split())


def with_code_marked(text: Any) -> Any:
    """The text as `in_one_line` does, as HTML with what stands between backticks as code.

    >>> str(with_code_marked("`walk` is < 0"))
    '<code>walk</code> is &lt; 0'
    """
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(in_one_line(text, 1000)))))


def _visible(character: str) -> str:
    if character in "\n\t\u200c\u200d":  # the last two join letters in Persian, and emoji
        return character
    category = unicodedata.category(character)
    if category == "Cc" and ord(character) < 32:
        return chr(0x2400 + ord(character))
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return f"[U+{ord(character):04X}]"
    return character


def points_in_words(value: float | None) -> str:
    """Points as people write them: `2`, `0.5`, `0.33`; `?` when there is no score.

    >>> [points_in_words(x) for x in (2.0, 0.5, 1 / 3, 0.996, None)]
    ['2', '0.5', '0.33', '1', '?']
    """
    return "?" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def seconds_in_words(seconds: float) -> str:
    """A time in words: `0.15 s`, `2 min 5 s`."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def counted(count: int, word: str) -> str:
    """So many of them: `1 notebook`, `2 notebooks`."""
    return f"{count} {word}{'' if count == 1 else 's'}"

"""The pictures of README.md are those of the pages of today."""

import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pictures  # noqa: E402


@pytest.mark.parametrize("name", pictures.PAGES)
def test_the_picture_is_of_the_page_of_today(name, tmp_path):
    picture = Image.open(pictures.PICTURES / f"{name}.png")
    page = pictures.PAGES[name](tmp_path)
    assert picture.text["digest"] == pictures.digest(page), "run python tools/pictures.py"
    words = pictures.words(page)
    page.write_text(page.read_text().replace("</style>", "b { color: red } </style>"))
    assert pictures.words(page) == words  # another look is no other page
    assert len(words) > 100


@pytest.mark.parametrize("name", pictures.PAGES)
def test_the_picture_is_small_and_stands_in_the_readme_with_its_words(name):
    path = pictures.PICTURES / f"{name}.png"
    assert path.stat().st_size < 150_000
    assert Image.open(path).size == tuple(
        round(each * pictures.SCALE) for each in (pictures.WIDTH, pictures.HEIGHT)
    )
    (line,) = (x for x in (ROOT / "README.md").read_text().splitlines() if path.name in x)
    assert len(line.partition('alt="')[2].partition('"')[0].split()) > 10


def test_no_picture_is_left_over():
    assert sorted(path.stem for path in pictures.PICTURES.iterdir()) == sorted(pictures.PAGES)

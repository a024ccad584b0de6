"""What lesson 9 says of weight decay, held by its own cell."""

from pathlib import Path

import jupytext
import pytest

LESSON = Path(__file__).parents[1] / "lessons" / "09_composition_and_parity.py"


def test_a_schedule_schedules_the_weight_decay_of_adamw_too_in_both_frameworks(capsys):
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    names = {}
    exec(
        "import torch\nfrom itertools import pairwise\nfrom torch.optim import lr_scheduler\n"
        "from course_lib.tensorflow import keras, tf",
        names,
    )
    cells = jupytext.read(LESSON).cells
    (decay,) = [cell.source for cell in cells if "torch.optim.AdamW" in cell.source]
    exec(decay, names)
    adamw, adam, in_keras = capsys.readouterr().out.splitlines()
    shares = "['1.00%', '0.75%', '0.50%', '0.25%']"  # the rate, 0.1 to 0, times the decay, 0.1
    assert shares in adamw and shares in in_keras
    assert "['10.00%'" in adam  # the rate itself

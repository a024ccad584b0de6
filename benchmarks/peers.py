"""Compare the translations for timm, transformers and fastai with our formulas; prints the
table of benchmarks/peers.md.

    python benchmarks/peers.py FOLDER     where pip install --no-deps --target has put them

Prints the largest difference over 2,000 updates, as a share of the peak, for each schedule that
they have, with random parameters as in tests/test_rosetta.py. Their schedulers are loaded alone:
what else they import is replaced by empty stand-ins.
"""

import ast
import importlib.util
import math
import sys
import types
import warnings
from importlib.metadata import distributions
from pathlib import Path
from unittest import mock

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from test_rosetta import OURS, UPDATES, peak_of, translated

from course_lib import schedules
from course_lib.rosetta import ROSETTA, own_lr, torch_until


def package(name: str, folder: Path) -> None:
    """An empty package, so that its files can be imported without its __init__."""
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(folder)]


def load(folder: Path) -> dict[str, dict]:
    """The names of each peer's schedulers."""
    package("timm", folder / "timm")
    package("timm.scheduler", folder / "timm/scheduler")
    timm = {}
    for file in ("cosine_lr", "tanh_lr", "poly_lr", "step_lr", "multistep_lr", "wsd_lr"):
        timm |= vars(importlib.import_module(f"timm.scheduler.{file}"))

    package("transformers", folder / "transformers")
    for name in ("trainer_pt_utils", "trainer_utils", "utils", "utils.versions"):
        sys.modules[f"transformers.{name}"] = mock.MagicMock()
    optimization = importlib.import_module("transformers.optimization")

    wanted = ("sched_", "Sched", "combine", "_Annealer")
    tree = ast.parse((folder / "fastai/callback/schedule.py").read_text())
    tree.body = [
        each
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name.startswith(wanted)
    ]
    fastai = {"math": math, "torch": torch, "L": list, "tensor": double}
    exec(compile(tree, "schedule.py", "exec"), fastai)

    class Annealer:
        def __init__(self, f, start, end):
            self.answer = lambda position: f(start, end, position)

        def __call__(self, position):
            return self.answer(position)

    fastai["_Annealer"] = Annealer
    return {"timm": timm, "transformers": vars(optimization), "fastai": fastai}


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def rates(peer: str, names: dict, call: str, schedule) -> tuple[int, np.ndarray]:
    """From which update on they should agree, and the peer's rates from there."""
    lr, params = own_lr(schedule), schedule.params
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    theirs = eval(call, {**names, **OURS, "optimizer": optimizer})
    if peer == "timm":
        return 0, np.array([theirs._get_lr(t)[0] for t in range(UPDATES)])
    if peer == "fastai":
        ends = params.get("total_steps", 1)
        if schedule.formula in (schedules.one_cycle, schedules.one_cycle_momentum):
            ends -= 1
        ends = params.get("every", ends)
        last = UPDATES if "every" in params else min(UPDATES, ends + 1)
        return 0, np.array([theirs(t / ends) for t in range(last)])
    found, updates = [], UPDATES
    if schedule.formula in (schedules.cosine, schedules.warmup):
        updates = min(UPDATES, torch_until(schedule))
    for _ in range(updates):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    warm = (schedules.wsd, schedules.knee, schedules.inverse_sqrt)
    return (params["warmup_steps"] if schedule.formula in warm else 0), np.array(found)


def main() -> None:
    folder = Path(sys.argv[1])
    versions = {each.name: each.version for each in distributions(path=[str(folder)])}
    names = load(folder)
    print("| peer | schedule | largest difference | parameter sets |\n|---|---|---|---|")
    for peer in names:
        for key, row in ROSETTA.items():
            if not getattr(row, peer):
                continue
            worst, cases = 0.0, translated(key, peer)
            for schedule, call in cases:
                begin, theirs = rates(peer, names[peer], call, schedule)
                ours = np.array(schedule.values(len(theirs)))
                gap = float(np.abs(ours - theirs)[begin:].max() / peak_of(schedule))
                if gap > 1e-9:
                    print(f"{schedule} {call}: at {np.abs(ours - theirs)[begin:].argmax() + begin}")
                worst = max(worst, gap)
            print(f"| {peer} {versions[peer]} | {key} | {worst:.1e} | {len(cases)} |")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()

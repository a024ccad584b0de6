"""A claim: a sentence whose numbers come from a record, and the test of whether it is true."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

from course_lib.claims.records import RECORDS, Line, read


@dataclass(frozen=True)
class Runs:
    """The recorded runs of an experiment in one framework."""

    experiment: str
    framework: str
    folder: Path = RECORDS

    @cached_property  # measuring a claim asks for hundreds of variants
    def _by_variant(self) -> dict[str, list[Line]]:
        found: dict[str, list[Line]] = {}
        for line in read(self.experiment, self.folder):
            if line["framework"] == self.framework:
                found.setdefault(line["variant"], []).append(line)
        return found

    def lines(self, variant: str) -> list[Line]:
        """The runs of a variant, by seed."""
        return sorted(self._by_variant.get(variant, ()), key=itemgetter("seed"))

    def of(self, variant: str, key: str) -> dict[int, Any]:
        """One measurement of a variant: {seed: value}. A run without it, because it diverged, is
        left out."""
        values = {line["seed"]: line.get(key) for line in self.lines(variant)}
        return {seed: value for seed, value in values.items() if value is not None}

    def percent(self, variant: str, key: str = "test_accuracy") -> dict[int, float]:
        """A fraction, in per cent: {seed: value}."""
        return {seed: 100 * value for seed, value in self.of(variant, key).items()}

    def variants(self) -> list[str]:
        """The variants that were run, in the order in which the record first names them."""
        return list(self._by_variant)

    def held_out(self, variant: str) -> float:
        """The mean loss of a variant on held-out images; infinite if one of its runs diverged."""
        losses = self.of(variant, "val_loss")
        diverged = len(losses) < len(self.lines(variant))
        return math.inf if diverged or not losses else fmean(losses.values())

    def tuned(self, variants: Iterable[str]) -> str:
        """Of these variants the one with the lowest mean loss on held-out images."""
        return min(variants, key=self.held_out)

    def another(self, experiment: str) -> "Runs":
        """The same framework's runs of another experiment."""
        return Runs(experiment, self.framework, self.folder)


@dataclass(frozen=True)
class Claim:
    """A sentence of the course that stands on recorded runs.

    - experiment: whose record it stands on (`also`: further ones).
    - sentence: what a lesson says, with a field for every number: "... {n.gain:.2f} points ..." is
      of the first framework, and the page of claims says the sentence again with the other's
      numbers; {torch.gain} and {tensorflow.gain} are for a sentence that needs both.
    - measure: the numbers, from the runs of one framework.
    - holds: whether the sentence is true of the numbers of one framework. It must be of each.
    """

    experiment: str
    sentence: str
    measure: Callable[[Runs], Mapping[str, Any]]
    holds: Callable[[Any], bool]
    frameworks: tuple[str, ...] = ("torch", "tensorflow")
    also: tuple[str, ...] = ()
    details: str = ""  # sentences with fields that only the page of claims says

    @property
    def others(self) -> tuple[str, ...]:
        """The frameworks of which the sentence holds, but whose numbers it leaves to the page."""
        return self.frameworks[1:] if "{n." in self.sentence + self.details else ()

    def numbers(self, framework: str, folder: Path = RECORDS) -> SimpleNamespace:
        """What the record says in one framework."""
        return SimpleNamespace(**self.measure(Runs(self.experiment, framework, folder)))

    def is_recorded(self, folder: Path = RECORDS) -> bool:
        """Whether there are runs of each of its experiments in each of its frameworks."""
        names = (self.experiment, *self.also)
        return all(Runs(n, f, folder).variants() for n in names for f in self.frameworks)

    def is_true(self, folder: Path = RECORDS) -> bool:
        """Whether it holds of the recorded runs, in each of its frameworks."""
        return all(self.holds(self.numbers(each, folder)) for each in self.frameworks)

    def text(self, folder: Path = RECORDS) -> str:
        """The sentence with its numbers."""
        return self._filled(self.sentence, self.frameworks[0], folder)

    def whole(self, framework: str | None = None) -> str:
        """The sentence and its details, with the numbers of one framework."""
        said = f"{self.sentence} {self.details}".strip()
        return self._filled(said, framework or self.frameworks[0], RECORDS)

    def _filled(self, said: str, framework: str, folder: Path) -> str:
        numbers = {each: self.numbers(each, folder) for each in self.frameworks}
        return said.format(n=numbers[framework], **numbers)

    def seeds(self, folder: Path = RECORDS, frameworks: Sequence[str] | None = None) -> int:
        """The number of seeds behind it: the smallest of any variant that was run."""
        counts = []
        for name in (self.experiment, *self.also):
            for framework in self.frameworks if frameworks is None else frameworks:
                runs = Runs(name, framework, folder)
                counts += [len(runs.lines(variant)) for variant in runs.variants()] or [0]
        return min(counts)

"""What one submission may use, and what a student is told when it wants more."""

from dataclasses import dataclass, fields

LEVELS = {  # of isolation, from weak to strong
    "none": "no walls at all: the code could do whatever the grader may do",
    "process": "weak: landlock and seccomp without bubblewrap",
    "namespaces": "full: own namespaces, no network, no files but its own",
}

FRAMEWORKS = ("torch", "tensorflow", "keras")

# Why a submission was stopped; `Limits.in_words` fills in the numbers.
STOPPED_IN_WORDS = {
    "time": "it ran for more than {cell_seconds:g} seconds",
    "total": "the notebook ran for more than {total_seconds:g} seconds in all",
    "memory": "it needed more than {memory_mb} MB of memory",
    "output": "it wrote more than can be read",
    "threads": "it started more than {threads} threads",
    "files": "it wrote more than {files} files or {scratch_mb} MB of them",
    "starts": "its cells ended their Python process too often",
    "exit": "it ended its own Python process",
    "crash": "its Python process crashed",
    "protocol": "it disturbed the grader's questions",
}

# Messages of a group of calls when the answer was stopped; later groups are not asked.
STOPPED_CALL, NOT_ASKED = "a call was stopped", "not asked"

# What each limit is of, for `--help`.
MEANING = {
    "cell_seconds": "time for one cell, and for one call of an answer",
    "total_seconds": "time for one submission with all its restarts",
    "memory_mb": "memory beyond what Python and the frameworks need",
    "output_kb": "kept of what each cell prints; the rest is cut",
    "scratch_mb": "size of all files in the submission's own scratch folder",
    "file_mb": "size of one file there",
    "files": "number of files there",
    "threads": "number of threads of the submission's process",
}


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Memory is counted from the moment at which torch and TensorFlow
    are loaded; `output_kb` is kept of each cell, and the rest of its output is cut."""

    cell_seconds: float = 20.0
    total_seconds: float = 120.0
    memory_mb: int = 1024
    output_kb: int = 256
    scratch_mb: int = 64
    file_mb: int = 16
    files: int = 1000
    threads: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type in (int, "int")
            kind = int if whole else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < 1e6:
                number = "a whole number" if whole else "a number"
                raise ValueError(
                    f"{field.name} must be {number} above 0 and below 1,000,000, got {value!r}"
                )
        if self.cell_seconds > self.total_seconds:
            raise ValueError(
                f"cell_seconds must not be more than total_seconds, got {self.cell_seconds:g} and "
                f"{self.total_seconds:g}"
            )

    def in_words(self, stopped: str) -> str:
        """What a student is told who was stopped for this reason, a key of STOPPED_IN_WORDS."""
        return STOPPED_IN_WORDS[stopped].format(**vars(self))

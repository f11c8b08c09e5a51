"""`python -m pretraining --out build/larva`: teach a small model to see, from nothing, on this machine."""

import sys

import tyro

from instar.errors import InstarError
from pretraining.course import Course, pretrain


def main() -> int:
    """Run the course that the command line names."""
    course = tyro.cli(Course, prog="python -m pretraining", description=__doc__)
    try:
        print(pretrain(course, _tell))
    except InstarError as error:
        print(f"pretraining: {error}", file=sys.stderr)
        return 2
    return 0


def _tell(done: int, total: int, note: str) -> None:
    print(f"{done}/{total} {note}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks`: run the sections and print the table.

--quick             small sizes, one round: does it run, and are the numbers sane
--only SECTION      one of walks, reads, life, idle, language, terraform; may be given several times
-o json             the rounds too, for a program; default: the table of README.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator

from benchmarks import figures, sizes
from benchmarks.sections import idle, language, life, reads, terraform, walks

SECTIONS: dict[str, Callable[[sizes.Sizes], Iterator[figures.Figure]]] = {
    "walks": walks.measure,
    "reads": reads.measure,
    "life": life.measure,
    "idle": idle.measure,
    "language": language.measure,
    "terraform": terraform.measure,
}


def main() -> None:
    """Measure what was asked for and print it; what is known is told on standard error as it comes."""
    options = _options()
    chosen = sizes.QUICK if options.quick else sizes.FULL
    found: list[figures.Figure] = []
    for name in options.only or SECTIONS:
        for figure in SECTIONS[name](chosen):
            found.append(figure)
            print("  ".join(filter(None, figure.cells())), file=sys.stderr, flush=True)
    if options.output == "json":
        rows = [figure.as_json() for figure in found]
        print(json.dumps({"machine": _machine(), "figures": rows}, indent=2))
    else:
        print(f"\n{_machine()}\n", *figures.markdown(found), sep="\n")


def _machine() -> str:
    """Return what was measured on, and how busy it was: more than its cores means that others were measured, too."""
    load, _, _ = os.getloadavg()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, load {load:.1f}, {system}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the engine costs.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="only this section")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""`python -m engine` is `isotherm`: for a checkout or an image in which no script is installed."""

from __future__ import annotations

from engine.cli.main import main

if __name__ == "__main__":
    main(prog_name="isotherm")

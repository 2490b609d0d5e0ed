"""What every test may use: the profiles of hypothesis and `--update-golden`.

Fixtures that one floor needs live beside that floor's tests; builders, fakes and strategies in tests/kit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadlines: on a busy machine they measure the neighbours. pytest-timeout catches what really hangs.
settings.register_profile("dev", max_examples=100, deadline=None)
# CI is derandomized, so that a commit always gets the same answer; exploring is what the other runs do.
settings.register_profile(
    "ci",
    max_examples=2000,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files from what the code says now; read the diff before you commit it",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals the golden file of that name beside the test, in `golden/`."""
    folder = Path(request.path).parent / "golden"
    update = bool(request.config.getoption("--update-golden"))

    def check(name: str, actual: str) -> None:
        file = folder / name
        if update:
            folder.mkdir(exist_ok=True)
            file.write_text(actual, encoding="utf-8")

        assert file.is_file(), f"no golden file golden/{name} yet; write it with --update-golden"
        assert file.read_text(encoding="utf-8") == actual

    return check

"""What `make demo` runs: an engine on a fresh SQLite file, and the life of a stack, each step a command you can type.

Ends with 0 if every step ended as it should. Leaves nothing behind, so it runs again and again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = os.path.relpath(Path(__file__).parent)
ISOTHERM = (sys.executable, "-m", "engine")
TREE = ("-t", f"{EXAMPLES}/tree.yaml", "-e", f"{EXAMPLES}/tree-env.yaml")


def main() -> int:
    """Run the demo and return its exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="isotherm-demo-") as folder, engine(Path(folder)) as endpoint:
            os.environ["ISOTHERM_ENDPOINT"] = endpoint
            story()
    except (subprocess.CalledProcessError, RuntimeError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    print("\nAll of it worked. README.md says how to go on.")
    return 0


def story() -> None:
    """Create, look, save, update, look again, come back, rest and wake, fail, delete."""
    say("A stack with two stacks inside, built from a template and an environment")
    isotherm("stack", "create", "tree", *TREE, "--wait")
    isotherm("stack", "outputs", "tree")

    say("How its resources depend on each other, and a snapshot to come back to")
    isotherm("stack", "graph", "tree", "--format", "text")
    isotherm("snapshot", "take", "tree", "--name", "first", "--wait")

    say("What an update without the lookout would do, and then the update")
    isotherm("stack", "diff", "tree", *TREE, "-P", "with_lookout=false")
    isotherm("stack", "update", "tree", *TREE, "-P", "with_lookout=false", "--wait")
    isotherm("stack", "outputs", "tree")

    say("The whole tree is put to rest, woken, and looked after")
    for action in ("suspend", "resume", "check"):
        isotherm("stack", action, "tree", "--wait")
    isotherm("stack", "tree", "tree")

    say("A stack that fails half way, and is rolled back; the exit code is 1, as it should be")
    isotherm(
        *("stack", "create", "unlucky", "-t", f"{EXAMPLES}/failing.yaml", "--enable-rollback", "--wait"),
        expected=1,
    )
    isotherm("stack", "failures", "unlucky", expected=1)

    say("Both are deleted; their history can still be read")
    isotherm("stack", "delete", "unlucky", "--wait")
    isotherm("stack", "delete", "tree", "--wait")
    isotherm("stack", "list", "--deleted")


def isotherm(*arguments: str, expected: int = 0) -> None:
    """Run a command as a person would; raise if it ends otherwise than expected."""
    print(f"\n$ isotherm {' '.join(arguments)}", flush=True)
    result = subprocess.run([*ISOTHERM, *arguments], check=False)
    if result.returncode != expected:
        raise subprocess.CalledProcessError(result.returncode, f"isotherm {' '.join(arguments)}")


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """Yield the endpoint of an engine that lives as long as the block."""
    options = ("--listen", "127.0.0.1:0", "--database", f"sqlite:///{folder}/isotherm.db", "--log-level", "warning")
    options += ("--notifications", "")  # a failure is told by the command that waits for it
    say("An engine on a new SQLite file and a free port")
    print("\n$ isotherm serve --listen 127.0.0.1:0 --database sqlite:///…/isotherm.db", flush=True)
    with subprocess.Popen([*ISOTHERM, "serve", *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready.startswith("isotherm ready on "):
                raise RuntimeError("the engine did not start")
            print(ready.replace(str(folder), "…"), end="")
            yield ready.split()[3]
            say("The engine stops")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"the engine ended with {process.returncode}")


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n# {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Write the Python stubs of proto/ into a source root: `stubs.py generated`.

`make proto` calls this for generated/, and a test of the house for an empty folder, to see whether the
committed stubs are fresh. What is written depends on the versions of grpcio-tools and mypy-protobuf, so
pyproject.toml pins both. Only files named `…_service.proto` get service stubs: for the others those would be
empty modules.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PROTO = Path(__file__).parents[1] / "proto"
BIN = Path(sys.executable).parent


def compile_protos(files: Iterable[Path], *options: str) -> None:
    """Run protoc over the files with these options."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}", *options]
    subprocess.run([*command, *map(str, sorted(files))], check=True)


def main(target: Path) -> None:
    """Replace every stub under `target`; whatever else lies there stays."""
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.rglob("*_pb2*.py*"):
        stale.unlink()  # or a proto file that went would leave its module behind; compiled ones go along
    compile_protos(
        PROTO.rglob("*.proto"),
        f"--plugin={BIN / 'protoc-gen-mypy'}",
        f"--python_out={target}",
        f"--mypy_out=quiet:{target}",
    )
    compile_protos(
        PROTO.rglob("*_service.proto"),
        f"--plugin={BIN / 'protoc-gen-mypy_grpc'}",
        f"--grpc_python_out={target}",
        f"--mypy_grpc_out=quiet:{target}",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

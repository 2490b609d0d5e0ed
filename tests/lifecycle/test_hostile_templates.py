"""Templates that ask for all there is: each is refused soon and cheaply, and other callers go on being served."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from kit.engine_process import EngineProcess

HOT = "heat_template_version: 2018-08-31\n"
MEGABYTE = 2**20
AGES = 20  # seconds: no figure, but an attack that works takes longer on any machine
REFUSALS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)

Request = Mapping[str, Any]


def value_of(expression: object, **sections: object) -> str:
    """Return a template with one resource that has the value of an expression."""
    return written({"x": {"type": "OS::Heat::Value", "properties": {"value": expression}}}, **sections)


def written(resources: Mapping[str, object], **sections: object) -> str:
    parts = {"resources": resources, **sections}
    return HOT + "".join(f"{name}: {json.dumps(part)}\n" for name, part in parts.items())


def matching(pattern: str, text: str) -> Request:
    parameter = {"type": "string", "constraints": [{"allowed_pattern": pattern}]}
    return {"template": value_of("x", parameters={"p": parameter}), "parameters": {"p": text}}


def query(expression: str, data: object = None) -> Request:
    return {"template": value_of({"yaql": {"expression": expression, "data": data or {}}})}


def doubling(levels: int) -> Any:
    """Return a text that is replaced by itself again and again."""
    found: Any = "x" * 100
    for _ in range(levels):
        found = {"str_replace": {"template": "xxxxxxxxxx", "params": {"x": found}}}
    return found


def joined(levels: int, found: Any) -> Any:
    for _ in range(levels):
        found = {"list_join": ["", [found, found, found]]}
    return found


def product(lists: int, items: int) -> Any:
    for_each = {f"%{number}%": [str(item) for item in range(items)] for number in range(lists)}
    return {"repeat": {"template": "".join(for_each), "for_each": for_each}}


def many(expression: object, count: int, **sections: object) -> str:
    resources = {f"x{n}": {"type": "OS::Heat::Value", "properties": {"value": expression}} for n in range(count)}
    return written(resources, **sections)


def alias_bomb() -> str:
    lines = ["n0: &n0 [x]"]
    lines += [f"n{level}: &n{level} [{', '.join([f'*n{level - 1}'] * 9)}]" for level in range(1, 13)]
    return HOT + "resources: {}\noutputs:\n  x:\n    value:\n" + "".join(f"      {line}\n" for line in lines)


JSON = {"big": {"type": "json"}}
ATTACKS: Mapping[str, Request] = {
    "nested quantifiers": matching("(a+)+b", "a" * 50_000),
    "nested quantifiers that look ahead": matching("(?=(a+)+b)a*", "a" * 5_000),
    "back-references": matching(r"(a*)(a*)(a*)(a*)\1\2\3\4b", "a" * 3_000),
    "counted repeats in each other": matching("((a{0,99}){0,99}){0,99}b", "a" * 3_000),
    "nested ranges in yaql": query("range(100000000).select(range(100000000).select($)).toList()"),
    "sums over ranges in yaql": query("range(100000000).select($ * $).sum()"),
    "long strings in yaql": query("'x' * 1000000000"),
    "a regex in yaql": query("$.data.t =~ regex('(a+)+b')", {"t": "a" * 60}),
    "parentheses in yaql": query("(" * 20_000 + "1" + ")" * 20_000),
    "an alias bomb": {"template": alias_bomb()},
    "a product of lists": {"template": value_of(product(9, 9))},
    "products in many places": {"template": many(product(4, 20), 300)},
    "text replaced by itself": {"template": value_of(doubling(30))},
    "text joined with itself": {
        "template": many(joined(4, {"get_param": "t"}), 200, parameters={"t": {"type": "string"}}),
        "parameters": {"t": "x" * 5_000},
    },
    "text in many places": {"template": many(doubling(3), 900)},
    "a large parameter read in many places": {
        "template": many([{"str_replace": {"template": "", "params": {"get_param": "big"}}}] * 5, 900, parameters=JSON),
        "parameters": {"big": {f"k{n}": n for n in range(20_000)}},
    },
    "many that are not quite equal": {
        "template": many({"list_concat_unique": [{"get_param": "big"}] * 9}, 100, parameters={"big": {"type": "json"}}),
        "parameters": {"big": [{"a": n, "b": [n]} for n in range(10_000)]},
    },
    "a bracket, half a million times": {"template": HOT + "x: " + "[" * 500_000},
    "a file that is not there": {"template": value_of({"get_file": "/etc/passwd"})},
    "a template that is not there": {
        "template": f"{HOT}resources: {{x: {{type: 'file:///etc/passwd.yaml'}}}}",
    },
    "a template inside itself": {
        "template": f"{HOT}resources: {{x: {{type: a.yaml}}}}",
        "files": {"a.yaml": f"{HOT}resources: {{x: {{type: a.yaml}}, y: {{type: a.yaml}}, z: {{type: a.yaml}}}}"},
    },
}


class Bystander:
    """Another caller, who asks all the time and only wants an answer."""

    def __init__(self, engine: EngineProcess) -> None:
        self.slowest = 0.0  # seconds
        self.errors: list[str] = []
        self._engine = engine
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Bystander:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _ask(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._engine.call("ShowStack", stack_identity={"stack_name": "calm"})
            except grpc.RpcError as error:
                self.errors.append(str(error))
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self._enough.wait(0.01):
                return


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    database = tmp_path_factory.mktemp("hostile") / "isotherm.db"
    with EngineProcess(f"sqlite:///{database}") as engine:
        engine.create("calm", value_of("x"))
        engine.settled("calm")
        engine.call("ValidateTemplate", template=query("1 + 1")["template"])  # what is loaded once is no attack's cost
        yield engine


def resident(engine: EngineProcess, kind: str) -> int:
    """Return how much memory the engine holds (VmRSS), or held at most since `forget_peak` (VmHWM), in bytes."""
    for line in Path(f"/proc/{engine.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"there is no {kind}")


def forget_peak(engine: EngineProcess) -> None:
    Path(f"/proc/{engine.pid}/clear_refs").write_text("5", encoding="ascii")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_cheaply_and_nobody_else_notices(name: str, engine: EngineProcess) -> None:
    forget_peak(engine)
    before, began = resident(engine, "VmRSS"), time.monotonic()

    with Bystander(engine) as bystander, pytest.raises(grpc.RpcError) as caught:
        engine.call("CreateStack", stack_name="attack", **ATTACKS[name])
    took = time.monotonic() - began

    assert caught.value.code() in REFUSALS, caught.value
    assert resident(engine, "VmHWM") - before < 100 * MEGABYTE
    assert took < AGES
    assert bystander.errors == []
    assert bystander.slowest < AGES
    assert engine.call("CountStacks")["count"] == 1


# What no check can see, because it reads what resources yield: each is quick, and there are many.
SLOW = {
    "yaql": {
        "expression": "range($.data.n).select(range(150).select($).sum()).sum()",
        "data": {"n": {"get_attr": ["x", "value"]}},
    }
}
TOO_LONG = ("takes longer to compute than one template may", "it takes longer than")
X = {"type": "OS::Heat::Value", "properties": {"value": 6, "type": "number"}}


def is_too_long(error: str) -> bool:
    """Return whether time is what was missing: for all of them, or on a busy machine for one."""
    return any(reason in error for reason in TOO_LONG)


def test_outputs_together_have_a_limit_of_time(engine: EngineProcess) -> None:
    outputs = {f"o{number}": {"value": SLOW} for number in range(400)}
    engine.create("slow_outputs", written({"x": X}, outputs=outputs))

    with Bystander(engine) as bystander:
        shown = engine.settled("slow_outputs")

    assert bystander.slowest < AGES
    engine.call("DeleteStack", stack_identity={"stack_name": "slow_outputs"})
    errors = [output["output_error"] for output in shown["outputs"] if output["output_error"]]
    assert bystander.errors == []
    assert len(errors) > 200
    assert all(is_too_long(error) for error in errors)


def test_a_resource_has_a_limit_of_time_on_the_walk(engine: EngineProcess) -> None:
    y = {"type": "OS::Heat::Value", "properties": {"value": [SLOW] * 400}}
    engine.create("slow_resource", written({"x": X, "y": y}))

    with Bystander(engine) as bystander:
        shown = engine.settled("slow_resource")

    assert bystander.slowest < AGES
    assert bystander.errors == []
    assert shown["state"] == "CREATE_FAILED"
    assert is_too_long(shown["stack_status_reason"])
    engine.call("DeleteStack", stack_identity={"stack_name": "slow_resource"})

"""What is wrong is refused at once, with all that is wrong and where; nothing is stored, and nobody else notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from isotherm.v1 import stack_pb2

from kit.engine_process import EngineProcess

HOT = "heat_template_version: 2018-08-31\n"
RANDOM = "    type: OS::Heat::RandomString\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    database = tmp_path_factory.mktemp("bad") / "isotherm.db"
    with EngineProcess(f"sqlite:///{database}") as engine:
        yield engine


def one(body: str, more: str = "") -> str:
    return f"{HOT}{more}resources:\n  web:\n{body}"


def bomb() -> str:
    """Return a text in which each list holds the one before nine times."""
    lines = ["n0: &n0 [x]"]
    lines += [f"n{level}: &n{level} [{', '.join([f'*n{level - 1}'] * 9)}]" for level in range(1, 13)]
    return "\n".join(lines)


CYCLE = f"{HOT}resources:\n  a:\n{RANDOM}    depends_on: b\n  b:\n{RANDOM}    depends_on: a\n"
TYPE = one("    type: OS::Heat::RandomSting\n")
BAD = [
    pytest.param("heat_template_version: 1999-01-01\n", "INVALID_TEMPLATE_VERSION", ["2018-08-31"], id="version"),
    pytest.param(f"{HOT}resources: {{a: [\n", "STACK_VALIDATION_FAILED", ["line"], id="not yaml"),
    pytest.param(f"{HOT}resurces: {{}}\n", "INVALID_TEMPLATE_SECTION", ["resurces"], id="section"),
    pytest.param(TYPE, "", ["OS::Heat::RandomSting", "OS::Heat::RandomString"], id="type"),
    pytest.param(one(f"{RANDOM}    properties: {{lenght: 3}}\n"), "", ["lenght", "length"], id="property"),
    pytest.param(one(f"{RANDOM}    properties: {{length: many}}\n"), "", ["many"], id="bad property"),
    pytest.param(one(f"{RANDOM}    properties: {{length: 900}}\n"), "", ["512"], id="constraint"),
    pytest.param(one(RANDOM, "parameters:\n  size: {type: number}\n"), "PARAMETER_MISSING", ["size"], id="parameter"),
    pytest.param(one(f"{RANDOM}    depends_on: db\n"), "", ["db"], id="reference"),
    pytest.param(CYCLE, "CIRCULAR_DEPENDENCY", ["a", "b"], id="cycle"),
    pytest.param(HOT + bomb(), "", [], id="alias bomb"),
    pytest.param(HOT + "x: " + "[" * 10_000 + "]" * 10_000, "", [], id="deep flow"),
    pytest.param(HOT + "".join(" " * n + f"a{n}:\n" for n in range(900)), "", [], id="deep block"),
    pytest.param(HOT + "description: a\0b\n", "", [], id="nul"),
]


def whole_or_none(engine: EngineProcess, name: str, resources: int) -> str:
    """Return the state that a stack has come to, with all its resources; "NOT_FOUND" if there is none."""
    try:
        state = engine.settled(name)["state"]
    except grpc.RpcError as error:
        return str(error.code().name)
    listed = engine.call("ListStackResources", stack_identity={"stack_name": name})["resources"]
    return str(state) if len(listed) == resources else f"{state} with {len(listed)} resources"


def refused(
    engine: EngineProcess, template: str, name: str = "bad", **fields: object
) -> tuple[grpc.RpcError, str, list[str]]:
    """Return the error of a create, its reason, and the descriptions of its violations."""
    with pytest.raises(grpc.RpcError) as caught:
        engine.call("CreateStack", stack_name=name, template=template, **fields)
    status = rpc_status.from_call(caught.value)
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    told: list[str] = []
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(bad):
            told = [f"{violation.field}: {violation.description}" for violation in bad.field_violations]
    return caught.value, info.reason, told


@pytest.mark.parametrize(("template", "reason", "words"), BAD)
def test_a_bad_template_is_refused_with_what_and_where(
    template: str, reason: str, words: list[str], engine: EngineProcess
) -> None:
    error, told_reason, told = refused(engine, template)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not reason or told_reason == reason
    text = " ".join([error.details() or "", *told])
    assert all(word in text for word in words), text
    assert engine.call("CountStacks")["count"] == 0


def test_all_problems_are_told_at_once_each_with_its_line(engine: EngineProcess) -> None:
    template = one(
        f"{RANDOM}    properties: {{lenght: 3, length: 0, salt: {{get_param: nope}}}}\n    depends_on: db\n"
        "  cache:\n    type: OS::Heat::Nothing\n"
    )
    _, _, told = refused(engine, template)

    assert len(told) >= 5
    assert all("line" in one for one in told), told


def test_a_template_over_the_limit_is_refused_before_it_is_read(engine: EngineProcess) -> None:
    error, reason, _ = refused(engine, HOT + "description: " + "x" * 1_000_000)

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason == "REQUEST_LIMIT_EXCEEDED"


@pytest.mark.parametrize("name", ["", "1st", "a/b", "a b", "x" * 256, "a\n"])
def test_a_bad_name_is_refused(name: str, engine: EngineProcess) -> None:
    error, _, _ = refused(engine, one(RANDOM), name=name)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_name_that_is_taken_is_refused_and_the_stack_that_has_it_stays(engine: EngineProcess) -> None:
    stack_id = engine.create("taken", one(RANDOM))
    error, reason, _ = refused(engine, one(RANDOM), name="taken")

    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason == "STACK_EXISTS"
    assert engine.settled("taken")["stack_identity"]["stack_id"] == stack_id
    engine.call("DeleteStack", stack_identity={"stack_name": "taken"})
    engine.settled(stack_id)


def test_of_many_creates_of_one_name_at_once_one_is_taken(engine: EngineProcess) -> None:
    codes: list[object] = []

    def create() -> None:
        try:
            codes.append(engine.create("race", one(RANDOM)))
        except grpc.RpcError as error:
            codes.append(error.code())

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes.count(grpc.StatusCode.ALREADY_EXISTS) == 7
    (stack_id,) = [code for code in codes if isinstance(code, str)]
    engine.settled("race")
    engine.call("DeleteStack", stack_identity={"stack_name": "race"})
    engine.settled(stack_id)


def test_a_client_that_goes_away_leaves_a_whole_stack_or_none(engine: EngineProcess, tmp_path: Path) -> None:
    template = HOT + "resources:\n" + "".join(f"  r{number}:\n{RANDOM}" for number in range(200))
    for number in range(10):
        request = stack_pb2.CreateStackRequest(stack_name=f"gone{number}", template=template)
        call = engine.stub.CreateStack.future(request)
        threading.Event().wait(number * 0.01)  # go away at different moments of the call
        call.cancel()
    found = {whole_or_none(engine, f"gone{number}", 200) for number in range(10)}

    assert found <= {"CREATE_COMPLETE", "NOT_FOUND"}

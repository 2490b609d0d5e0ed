"""yaql in worker processes: the same answers as in process, and what no process survives costs its caller only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.runtime import cage as cages
from engine.runtime.cage import Cage, CageLimits
from engine.template import queries
from engine.template.expressions import BadArgument, Overspent
from engine.template.queries import Queries, QueryLimits

FOREVER = "('a' * 40 + 'b').matches('(a+)+$')"  # no Python code runs meanwhile: only a kill ends it
GLUTTONOUS = "('a' * 9000).replace(a, b * 9000)"  # 81 MB before yaql gets to count them
LATE = 10.0  # seconds; nothing here takes as long
QUICK = CageLimits(seconds=0.4)


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    """One for all: what one test does to it must not matter to the next."""
    with caged(CageLimits()) as cage:
        yield cage


@contextmanager
def caged(limits: CageLimits, query_limits: QueryLimits = queries.DEFAULT_LIMITS) -> Iterator[Cage]:
    cage = Cage(limits, query_limits)
    try:
        yield cage
    finally:
        cage.stop()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + LATE
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.002)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def refusal(cage: Queries, expression: str, data: Any = None) -> BadArgument:
    with pytest.raises(BadArgument) as caught:
        cage.run(expression, data)
    return caught.value


def test_the_port_answers_as_yaql_in_this_process_does(cage: Cage) -> None:
    data = {"l": [1, 2.5, None, "\u00fc\U0001f600\n\ud800"], "m": {"k": True}}
    for expression in ("$.data.l.take(3)", "$.data.m", "$.data.l[3].len()", "[b, a].toSet()", "let(x => 1) -> $x"):
        assert cage.run(expression, data) == queries.run(expression, data)
    for expression in ("$.data.nokey", "1 +", "range(300)", "now()", "'a' * 20000"):
        mine = refusal(queries, expression, data)
        answer = refusal(cage, expression, data)
        assert (str(answer), answer.code, type(answer)) == (str(mine), mine.code, BadArgument)


def test_a_check(cage: Cage) -> None:
    cage.check("$.data.anything")
    cage.check("$.data + " + "1 + " * 1_000 + "1")
    for _ in range(2):  # what is wrong once is wrong again
        with pytest.raises(BadArgument, match="is no yaql expression"):
            cage.check("$.data +")


def test_no_process_is_there_before_the_first_question_and_one_answers_many() -> None:
    with caged(CageLimits()) as cage:
        assert cage.pids() == []
        cage.run("1", None)
        pids = cage.pids()
        for number in range(20):
            assert cage.run("$.data + 1", number) == number + 1

        assert len(pids) == 1
        assert cage.pids() == pids


def test_the_limits_of_yaql_reach_the_worker() -> None:
    with caged(CageLimits(), QueryLimits(limit_iterators=3)) as cage:
        assert "3 items" in str(refusal(cage, "range(4)"))


def test_what_takes_too_long_is_killed_and_the_next_question_is_answered() -> None:
    with caged(QUICK) as cage:
        cage.run("1", None)
        killed = cage.pids()
        error = refusal(cage, FOREVER)

        assert isinstance(error, Overspent)
        assert error.code is Code.REQUEST_LIMIT_EXCEEDED
        assert "has no value: it takes longer than the 0.4 s that it may" in str(error)
        assert cage.run("$.data", "next") == "next"
        assert all(map(is_gone, killed))


def test_what_takes_too_much_memory_is_refused_and_the_next_question_is_answered(cage: Cage) -> None:
    error = refusal(cage, GLUTTONOUS)

    assert isinstance(error, Overspent)
    assert error.code is Code.REQUEST_LIMIT_EXCEEDED
    assert "it takes more memory than the 64 MB that it may" in str(error)
    assert cage.run("$.data", "next") == "next"


def test_a_worker_can_open_nothing_start_nothing_and_not_grow(cage: Cage) -> None:
    cage.run("1", None)
    limits = Path(f"/proc/{cage.pids()[0]}/limits").read_text(encoding="ascii").splitlines()
    hard = {line[:26].strip(): line[26:].split()[1] for line in limits[1:]}

    assert hard["Max open files"] == "3"
    assert hard["Max processes"] == hard["Max file size"] == hard["Max core file size"] == "0"
    assert int(hard["Max address space"]) < 110_000_000


def test_a_worker_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOTHERM_SECRET", "s3cret")
    with caged(CageLimits()) as cage:
        cage.run("1", None)
        environment = Path(f"/proc/{cage.pids()[0]}/environ").read_bytes()

    assert b"TZ=UTC" in environment
    assert b"s3cret" not in environment


def test_the_order_of_sets_is_the_same_in_every_process() -> None:
    words = [f"word{number}" for number in range(50)]
    found = []
    for _ in range(2):
        with caged(CageLimits()) as cage:
            found.append(cage.run("$.data.toSet().toList()", words))

    assert found[0] == found[1]


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_while_idle_is_replaced(cage: Cage, sign: int) -> None:
    cage.run("1", None)
    [pid] = cage.pids()
    os.kill(pid, sign)
    until(lambda: is_gone(pid))

    assert cage.run("$.data", "still there") == "still there"


def test_a_worker_that_is_killed_at_work_costs_its_caller_the_answer(cage: Cage) -> None:
    cage.run("1", None)
    [pid] = cage.pids()
    with ThreadPoolExecutor(1) as pool:
        begun = computing([pid])
        asked = pool.submit(refusal, cage, FOREVER)
        until(begun)
        os.kill(pid, signal.SIGKILL)
        error = asked.result(LATE)

    assert error.code is Code.REQUEST_LIMIT_EXCEEDED
    assert "the process that computed it ended by signal 9" in str(error)
    assert cage.run("$.data", "next") == "next"


def ticks(pid: int) -> int:
    """Return how much processor time a process has had, in the 10 ms that the system counts in."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]))


def computing(pids: list[int]) -> Callable[[], bool]:
    """Return what tells whether one of the processes has computed for longer from now on than an end of work takes."""
    before = sum(map(ticks, pids))
    return lambda: sum(map(ticks, pids)) - before >= 5


def test_a_worker_is_replaced_after_many_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cages, "_REQUESTS_OF_A_WORKER", 3)
    with caged(CageLimits()) as cage:
        seen = set()
        for number in range(7):
            assert cage.run("$.data", number) == number
            seen.update(cage.pids())

    assert len(seen) == 3


def test_many_callers_get_their_own_answers_from_few_workers() -> None:
    with caged(CageLimits(workers=2)) as cage, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: cage.run("$.data.n * 2", {"n": number}), range(200)))

        assert answers == [2 * number for number in range(200)]
        assert len(cage.pids()) == 2


def test_an_attack_of_one_caller_does_not_touch_the_others() -> None:
    with caged(QUICK) as cage, ThreadPoolExecutor(2) as pool:
        cage.run("1", None)
        attacks = [pool.submit(refusal, cage, FOREVER) for _ in range(2)]
        answers = [cage.run("$.data", number) for number in range(50)]

        assert answers == list(range(50))
        assert {attack.result(LATE).code for attack in attacks} == {Code.REQUEST_LIMIT_EXCEEDED}


def test_what_workers_compute_counts_as_time_of_the_thread_that_asked() -> None:
    with caged(QUICK) as cage, ThreadPoolExecutor(1) as pool:
        cage.run("1", None)
        before, elsewhere = cage.thread_time(), pool.submit(cage.thread_time).result()
        refusal(cage, FOREVER)

        assert cage.thread_time() - before >= QUICK.seconds
        assert pool.submit(cage.thread_time).result() - elsewhere < QUICK.seconds


def test_what_a_check_takes_counts_too(cage: Cage) -> None:
    before, own = cage.thread_time(), time.thread_time()
    cage.check("1" + " + 1" * 2_000)  # too long to be remembered

    assert cage.thread_time() - before > time.thread_time() - own


def test_who_gets_no_turn_is_told() -> None:
    with caged(CageLimits(workers=1, seconds=2, waiting_seconds=0.05)) as cage, ThreadPoolExecutor(1) as pool:
        cage.run("1", None)
        [pid] = cage.pids()
        begun = computing([pid])
        attack = pool.submit(refusal, cage, FOREVER)
        until(begun)
        error = refusal(cage, "1")
        attack.result(LATE)

    assert error.code is Code.REQUEST_LIMIT_EXCEEDED
    assert str(error) == 'the yaql expression "1" waited 0.05 s for its turn, and had none'


def test_a_question_that_is_too_large_is_not_asked() -> None:
    with caged(CageLimits()) as cage:
        error = refusal(cage, "$.data", ["x" * 1_000] * 1_000)

        assert error.code is Code.REQUEST_LIMIT_EXCEEDED
        assert "at most 1000000 are allowed" in str(error)
        assert "can't be made JSON" in str(refusal(cage, "$.data", {1, 2}))
        assert cage.pids() == []


def test_data_that_is_deep_does_no_harm(cage: Cage) -> None:
    data: Any = None
    for _ in range(900):
        data = [data]

    assert refusal(cage, "$.data", data).code is Code.REQUEST_LIMIT_EXCEEDED
    assert cage.run("$.data", 1) == 1


def test_after_a_stop_no_process_is_left_and_nobody_is_served() -> None:
    cage = Cage(CageLimits(seconds=2))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: cage.run("$.data", number), range(20)))
        pids = cage.pids()
        begun = computing(pids)
        attack = pool.submit(refusal, cage, FOREVER)
        until(begun)
        cage.stop()

        assert attack.result(LATE).code is Code.REQUEST_LIMIT_EXCEEDED  # it had begun, and was let end
    assert cage.pids() == []
    assert all(map(is_gone, pids))
    with pytest.raises(EngineError) as caught:
        cage.run("1", None)
    assert caught.value.code is Code.SHUTTING_DOWN
    cage.stop()


def test_a_worker_that_does_not_start_is_the_fault_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with caged(CageLimits()) as cage:
        with pytest.raises(EngineError) as caught:
            cage.run("1", None)
        monkeypatch.undo()

        assert caught.value.code is Code.INTERNAL
        assert cage.run("$.data", "now it does") == "now it does"


ENGINE = """
import sys, threading
from engine.runtime.cage import Cage, CageLimits
cage = Cage(CageLimits(seconds=60))
cage.run("1", None)
if sys.argv[1] == "busy":
    threading.Thread(target=cage.run, args=(sys.argv[2], None)).start()
print(cage.pids()[0], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_worker_does_not_outlive_its_engine(state: str) -> None:
    """A busy one ends with its answer at the latest; processor time is limited too, but that would take a minute."""
    long = "range(150).select(range(150).select($)).len()"
    command = [sys.executable, "-c", ENGINE, state, long]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        pid = int(engine.stdout.readline())
        assert not is_gone(pid)
        engine.kill()

    until(lambda: is_gone(pid))


def test_the_kernel_ends_a_busy_worker_whose_engine_is_gone() -> None:
    """The worker by itself, with nobody who watches the clock."""
    from engine.runtime import caged as worker  # noqa: PLC0415

    settings = worker.Settings(0.1, 64 << 20, queries.DEFAULT_LIMITS)
    command = [sys.executable, "-m", worker.__name__, settings.to_json()]
    request = worker.frame(("run", FOREVER, None))
    told = subprocess.run(command, input=request, capture_output=True, timeout=LATE, check=False)

    assert told.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_what_keeps_a_worker_from_starting_is_told() -> None:
    from engine.runtime import caged as worker  # noqa: PLC0415

    settings = worker.Settings(1.0, 64 << 20, QueryLimits(limit_iterators=1))
    told = subprocess.run(
        [sys.executable, "-m", worker.__name__, settings.to_json()], input=b"", capture_output=True, check=False
    )

    assert told.returncode == 1
    assert "Collection length exceeds 1 elements" in json.loads(told.stdout[4:])["broken"]


ATTACKS = {
    "nested ranges past the limit": "range(1000000).select(range(1000000).select($))",
    "nested ranges within the limit": "range(200).select(range(200).select(range(200).select(range(200).select($))))",
    "nested ranges that yield little": "range(99).where(range(99).where(range(99).where(false).any()).any())",
    "a list many times": "[1, 2, 3] * 100000000",
    "a text many times": "'a' * 100000000",
    "a pattern that backtracks": FOREVER,
    "a pattern that backtracks, as an operator": "('a' * 40 + 'b') =~ '(a|aa)+$'",
    "text that grows by replacing": GLUTTONOUS,
    "wide text that grows by replacing": "('a' * 9900).replace(a, '\\U0001F600' * 2400)",
    "an endless list": "generate(0, true, $ + 1)",
    "an endless list, counted": "generate(0, true, $ + 1).len()",
    "an endless tree": "generateMany(0, [$, $])",
    "an endless cycle": "[1].cycle().where(false).first()",
    "an endless enumeration": "sequence().enumerate().last()",
    "numbers that tower": "pow(9, pow(9, 9))",
    "a number that is shifted far": "shiftBitsLeft(1, 300000000)",
    "a value that doubles": "range(100).aggregate([$1, $1], [1])",
    "a value that doubles, as text": "str(range(30).aggregate([$1, $1], [1]))",
    "a value that doubles, compared": "range(40).aggregate([$1, $1], [1]) = range(40).aggregate([$1, $1], [1])",
    "a value that doubles, in a message": "range(30).aggregate([$1, $1], [1]).foo()",
    "a function that calls itself": "def(f, f($) + f($)) -> f(1)",
    "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "signs": "-" * 10_000 + "1",
    "a long sum": "1" + "+1" * 249_999,
    "a long text": "'" + "a" * 499_998 + "'",
    "many arguments": "list(" + "," * 499_994 + ")",
    "a long number": "1" * 500_000,
    "a long word": "a" * 500_000,
}


class Gauge:
    """Watches how much memory the workers of a cage have ever had."""

    def __init__(self, cage: Cage) -> None:
        self.highest = 0  # bytes
        self._cage = cage
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(0.005):
            for pid in self._cage.pids():
                self.highest = max(self.highest, peak(pid))


def peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


@pytest.fixture(scope="module")
def besieged() -> Iterator[Cage]:
    with caged(CageLimits(seconds=0.3, workers=1)) as cage:
        yield cage


@pytest.mark.parametrize("expression", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_in_time_and_within_its_memory(besieged: Cage, expression: str) -> None:
    """The limit is shorter here than by default, so that the test is; that takes 0.7 s off what is allowed."""
    besieged.run("1", None)
    gauge = Gauge(besieged)
    began = time.monotonic()
    error = refusal(besieged, expression)
    took = time.monotonic() - began
    until(lambda: gauge.highest)
    gauge.stop()

    assert error.code in {Code.REQUEST_LIMIT_EXCEEDED, Code.STACK_VALIDATION_FAILED}
    assert len(str(error)) < 500
    assert took < 1.3
    assert gauge.highest < 100_000_000

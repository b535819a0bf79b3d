"""Whatever people do, in whatever order: the portal and a plain model of its rules say the same."""

import asyncio
import os
import pickle
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from figures import figure
from machine.facts import EVERYBODY, HOME, JUDGED, Command
from machine.model import Model
from machine.play import Play, Start
from machine.stage import ANSWERS, COMMENTS, LINES, Stage
from tally import added, run_folder

LONG = bool(os.environ.get("LIANYAN_LONG"))
EXAMPLES = int(os.environ.get("LIANYAN_MACHINE_EXAMPLES", "2000" if LONG else "60"))
PARTS = 20 if LONG else 1
"""Each on a stage of its own: ten minutes after a step it can no longer be undone."""
STEPS = 40 if LONG else 14
RARE = {"withdraw", "withdraw_by_institution", "decline"}
"""What leads out of the ordinary way, and so would be met too often."""


def tried(who: str) -> list[Command]:
    """Return what somebody can try at all, once for each thing it can be about."""
    found = [
        Command("save", who, question, value)
        for question, values in ANSWERS.items()
        for value in values
    ]
    found += [Command("save", who, "aims", value, stale=True) for value in ANSWERS["aims"]]
    changes = [("lines", lines) for lines in LINES.values()]
    changes += [
        ("terms", "数据不出院"),
        ("terms", ""),
        ("task", "供场景"),
        ("role", "resources"),
        ("role", "participating"),
    ]
    for letter in "abcd":
        found += [Command("change", who, letter, change) for change in changes]
        found += [
            Command(name, who, letter)
            for name in ("add", "remove", "view", "confirm", "decline", "extend")
        ]
        found += [
            Command("send_back", who, letter, COMMENTS),
            Command("confirm", who, letter, stale=True),
        ]
        found += [
            Command("change", who, letter, ("terms", "数据不出院"), stale=True),
            Command("remove", who, letter, stale=True),
        ]
    found += [
        Command("check", who, item, verdict) for item in JUDGED for verdict in ("ok", "problem")
    ]
    found += [
        Command("extend", who),
        Command("finish", who, value=True),
        Command("extend", who, stale=True),
    ]
    found += [Command("assign", who, reviewer) for reviewer in ("r1", "r2")]
    found += [Command("decide", who, value=kind) for kind in ("approve", "reject")]
    found += [
        Command(name, who) for name in ("accept", "review", "sign", "object", "order", "recall")
    ]
    for name in (
        "submit", "resubmit", "take_back", "withdraw", "withdraw_by_institution", "delete", "pass", "return", "refuse",
        "finish", "reopen", "undo", "restore",
    ):  # fmt: skip
        found += [Command(name, who, stale=stale) for stale in (False, True)]
    return found


COMMANDS = [command for who in EVERYBODY for command in tried(who)]
NAMES = sorted({command.name for command in COMMANDS})


def effective(model: Model) -> list[Command]:
    """Return the commands that would change something now, but for the one that ends it all."""
    frozen = pickle.dumps(model)
    found = []
    for command in COMMANDS:
        if command.name != "delete" and not command.stale and not model.refusals(command):
            after: Model = pickle.loads(frozen)  # noqa: S301  our own, made a line above
            after.happen(command)
            if pickle.dumps(after) != frozen:
                found.append(command)
    return found


def confirms(*letters: str) -> list[Command]:
    return [Command("confirm", f"officer_{letter}", letter) for letter in letters]


CHECKS = [Command("check", "coordinator", item, "ok") for item in JUDGED]
REVIEWS = [
    command
    for who in ("r1", "r2")
    for command in (
        Command("assign", "coordinator", who),
        Command("accept", who),
        Command("review", who),
    )
]
PATHS: dict[str, list[Command]] = {
    "written": [],
    "asked": [Command("submit", "lead"), *confirms("a", "b")],
}
PATHS["submitted"] = [*PATHS["asked"], *confirms("c")]
PATHS["checked"] = [*PATHS["submitted"], *CHECKS]
PATHS["returned"] = [*PATHS["checked"], Command("return", "coordinator")]
PATHS["reviewed"] = [*PATHS["checked"], Command("pass", "coordinator"), *REVIEWS]
PATHS["decided"] = [
    *PATHS["reviewed"], Command("finish", "coordinator"), Command("decide", "coordinator", value="approve"),
]  # fmt: skip
PATHS["signed"] = [*PATHS["decided"], Command("sign", "approver")]


async def _bring(stage: Stage, path: list[Command], sessions: Any) -> Start:
    proposal, model = await stage.write()
    play = Play(stage, Start(proposal, model), sessions)
    for command in path:
        assert not play.model.refusals(command), (command, play.model.refusals(command))
        await play.act(command)
    await play.look("lead")
    return Start(proposal, play.model)


class Machine(RuleBasedStateMachine):
    """People at a proposal."""

    run: Any
    stage: Stage
    starts: dict[str, Start]
    connection: AsyncConnection
    sessions: Any

    def __init__(self) -> None:
        super().__init__()
        self.play: Play | None = None

    @initialize(start=st.sampled_from(sorted(PATHS)))
    def begins(self, start: str) -> None:
        self.outer = self.run(self.connection.begin())
        # The driver begins with SQLAlchemy's first statement, and the machine's own pass it by.
        self.run(self.connection.execute(text("select 1")))
        self.play = Play(self.stage, self.starts[start], self.sessions)

    def _look(self, who: str) -> None:
        assert self.play is not None
        self.run(self.play.look(who))

    @rule(data=st.data(), who=st.sampled_from(EVERYBODY), times=st.integers(1, 4))
    def things_happen(self, data: Any, who: str, times: int) -> None:
        assert self.play is not None
        for _ in range(times):
            possible = effective(self.play.model)
            if not possible:
                break
            names = sorted({c.name for c in possible})
            names += [name for name in names if name not in RARE] * 3
            name = data.draw(st.sampled_from(names), "name")
            command = data.draw(st.sampled_from([c for c in possible if c.name == name]), "command")
            self.run(self.play.act(command))
        self._look(who)

    @rule(data=st.data(), name=st.sampled_from(NAMES), who=st.sampled_from(EVERYBODY))
    def something_is_tried(self, data: Any, name: str, who: str) -> None:
        assert self.play is not None
        command = data.draw(st.sampled_from([c for c in COMMANDS if c.name == name]), "command")
        self.run(self.play.act(command))
        self._look(who)

    @rule(data=st.data(), who=st.sampled_from(EVERYBODY))
    def somebody_tries(self, data: Any, who: str) -> None:
        assert self.play is not None
        command = data.draw(st.sampled_from([c for c in COMMANDS if c.who == who]), "command")
        self.run(self.play.act(command))
        self._look(who)

    @precondition(lambda self: self.play and self.play.last)
    @rule(who=st.sampled_from(EVERYBODY))
    def the_last_request_comes_again(self, who: str) -> None:
        assert self.play is not None
        self.run(self.play.again())
        self._look(who)

    @rule(
        what=st.sampled_from(["call", "consent", "correction", "hold"]),
        who=st.sampled_from(EVERYBODY),
    )
    def time_passes(self, what: str, who: str) -> None:
        assert self.play is not None
        self.run(self.play.time(what))
        self._look(who)

    @rule(who=st.sampled_from(["lead", "officer_b"]))
    def the_worker_comes_by(self, who: str) -> None:
        assert self.play is not None
        self.run(self.play.work())
        self._look(who)

    def teardown(self) -> None:
        if self.play is not None:
            note(f"{self.play.model.state}: {[m.move for m in self.play.model.timeline]}")
            wrong = self.run(self.play.derived())
            self.run(self.outer.rollback())
            assert wrong == [], "what lists and rights are read from is what it is derived from"


def test_the_commands_are_those_of_everybody():
    assert len(COMMANDS) == len(set(map(repr, COMMANDS)))
    assert set(HOME) <= set(EVERYBODY)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_the_portal_does_what_the_model_does(committed, tmp_path_factory, part):
    loop = asyncio.get_running_loop()
    engine = committed.sessions.kw["bind"]
    stage = Stage(committed.client)
    async with committed.sessions.begin() as session:
        await stage.build(session)
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        stage.connection = raw
        nested = async_sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        starts = {
            name: await _bring(stage, path, committed.sessions) for name, path in PATHS.items()
        }
        await connection.rollback()

        class Acquire:
            async def __aenter__(self) -> Any:
                return raw

            async def __aexit__(self, *_: object) -> None:
                return None

        committed.app.state.update({"sessions": nested, "acquire": Acquire})

        class Here(Machine):
            pass

        Here.run = staticmethod(
            lambda work: asyncio.run_coroutine_threadsafe(_whole(work), loop).result()
        )
        Here.stage, Here.starts, Here.connection, Here.sessions = stage, starts, connection, nested
        chosen = settings(
            max_examples=EXAMPLES // PARTS, stateful_step_count=STEPS, deadline=None, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )  # fmt: skip
        await asyncio.to_thread(run_state_machine_as_test, Here, settings=chosen)
    counts = Counter({"sequences": EXAMPLES // PARTS, "commands": stage.done.total()})
    with added(run_folder(tmp_path_factory), "machine", counts) as total:
        figure(
            "state machine: sequences on which the portal and a plain model agree",
            ">= 2,000, 0 wrong",
            f"{total['sequences']:,} sequences, {total['commands']:,} commands, 0 wrong",
            held=total["sequences"] >= 2000,
        )
    print(f"part {part}: {stage.done.total()} commands: {dict(stage.done.most_common())}")


async def _whole(work: Any) -> Any:
    return await work

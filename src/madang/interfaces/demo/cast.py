"""Who takes part in the demonstration. The names are invented."""

from __future__ import annotations

from dataclasses import dataclass

from madang.assets.metadata.model import Description, FileTold, Subject, Text, Variable
from madang.packs.physical.policy import TASKS

MINISTRY = "msit"
LEAD = "institute-a"
JUDGE = "institute-b"
LETTERS = "abcdefghij"
COMPANIES = tuple(f"company-{letter}" for letter in LETTERS)
MIRRORED = "company-d"
"""Its recorder has one wire crossed: the x action has the wrong sign."""
LATE = "company-j"
"""Signs last."""
TASK_OF = dict(zip(COMPANIES, TASKS, strict=True))

AGREEMENT = "manipulation-10-data"
MISSION = "manipulation-10"
EPISODES = 20
SOURCE = "example-catalogue"
"""A catalogue that the lead keeps elsewhere; its descriptions are found here."""

DESCRIBED = Description(
    Text("7축 로봇팔의 도달 동작", "Reaching motions of a seven-axis arm"),
    Text(
        "모의 로봇팔이 목표점에 도달하는 숙련된 시연",
        "Skilled demonstrations of a simulated arm that reaches a goal",
    ),
    subjects=(Subject(Text("로봇 조작", "robot manipulation")),),
    files=(
        FileTold(
            "data/chunk-000/file-000.parquet",
            description=Text("모든 에피소드의 프레임", "The frames of all episodes"),
        ),
    ),
    variables=(
        Variable("observation.state", Text("팔이 관측한 상태", "What the arm observes")),
        Variable("action", Text("조작자의 명령", "The operator's command")),
        Variable("timestamp", Text("에피소드가 시작한 뒤의 초", "Seconds since the episode began")),
    ),
)
"""What the first company says of its recordings."""


def data_set(company: str) -> str:
    """The name of a company's data set: its task's, without the version suffix."""
    return TASK_OF[company].removesuffix("-v3")


@dataclass(frozen=True)
class Person:
    """A member to be registered."""

    organization: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Body:
    """An organization to be registered."""

    name: str
    kind: str
    title_en: str
    title_ko: str


ORGANIZATIONS = (
    Body(LEAD, "institute", "Institute A", "가연구원"),
    Body(JUDGE, "institute", "Institute B", "나연구원"),
    *(
        Body(f"company-{letter}", "company", f"Company {letter.upper()}", f"{letter.upper()}사")
        for letter in LETTERS
    ),
)
PEOPLE = (
    Person(MINISTRY, "steward", ("steward", "auditor")),
    Person(LEAD, "researcher", ("researcher", "steward")),
    Person(JUDGE, "steward", ("steward",)),
    Person(JUDGE, "operator", ("operator",)),
    Person(JUDGE, "evaluator", ("evaluator",)),
    *(Person(company, "engineer", ("steward", "researcher")) for company in COMPANIES),
)

"""The ten steps. Each calls the services that the commands call, with the token of whoever acts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from madang.agreements import service as agreements
from madang.agreements.model import AgreementDocument
from madang.allocations.errors import AwardTooSmall
from madang.assets import checking, lineage
from madang.assets import service as assets
from madang.assets.catalogue import service as catalogue
from madang.assets.catalogue.model import Record
from madang.assets.describing import service as describing
from madang.assets.errors import NotAccepted
from madang.assets.harvest import running
from madang.assets.model import Version
from madang.assets.query import service as querying
from madang.assets.search import service as searching
from madang.interfaces.demo import cast, supply
from madang.interfaces.demo.stage import Stage, example, recordings, working_folder
from madang.kernel import i18n
from madang.kernel.errors import Defect, NotPermitted
from madang.kernel.home import Home, open_home
from madang.kernel.settings import read_document
from madang.missions import service as missions
from madang.missions.model import MissionDocument
from madang.organizations import service as organizations
from madang.runs import live
from madang.runs import service as runs
from madang.runs.model import Run
from madang.scores import opening
from madang.scores import service as scores
from madang.scores.errors import SamePerson
from madang.scores.model import Score
from madang.scores.statistics import items_needed, wilson

_RECIPE = "physical/behaviour-cloning"


def play(home: Home, language: str, say: Callable[[str], None] = print) -> Stage:
    """Play the whole story on a fresh home; returns the stage with what came of it."""
    with working_folder() as work:
        stage = Stage(home, language, work, say)
        try:
            with recordings(stage):
                sign(stage)
                open_mission(stage)
                supply.award(stage)
                deposit(stage)
                check(stage)
                harvest(stage)
                supply.decide(stage)
            stage.start_supervisor()
            alone(stage)
            pool(stage)
            train(stage)
            judge(stage)
            prove(stage)
        finally:
            stage.close()
    return stage


def sign(stage: Stage) -> None:
    """1: everybody is registered and signs; data cannot be used before the last has signed."""
    stage.step(1)
    _register(stage)
    document = read_document(example("agreement.toml"), AgreementDocument)
    with stage.home.database.write() as session:
        digest = agreements.draft(session, stage.actor(cast.LEAD), document).digest
    stage.tell("agreement", name=cast.AGREEMENT, digest=digest)
    for party in document.agreement.parties:
        if party != cast.LATE:
            _sign(stage, party, digest)
    parties = len(document.agreement.parties)
    stage.tell("signed", n=parties - 1, of=parties)
    first = cast.COMPANIES[0]
    version = assets.deposit(
        stage.home,
        stage.actor(first),
        stage.recordings[first].result(),
        cast.data_set(first),
        cast.AGREEMENT,
    )
    with stage.refused("unsigned", NotPermitted, who=cast.LEAD, what=version.name):
        assets.pool(stage.home, stage.actor(cast.LEAD), cast.MISSION, "too-early", [version.name])
    _sign(stage, cast.LATE, digest)
    stage.tell("in-force", who=cast.LATE)


def _register(stage: Stage) -> None:
    with stage.home.database.write() as session:
        token = organizations.found(
            session, cast.MINISTRY, "Ministry of Science and ICT", "과학기술정보통신부", "officer"
        )
    stage.tokens[cast.MINISTRY, "officer"] = token
    officer = stage.actor(cast.MINISTRY, "officer")
    with stage.home.database.write(grouped=True) as session:
        for body in cast.ORGANIZATIONS:
            organizations.register(session, officer, body.name, body.kind, body.title_en, body.title_ko)
        for person in cast.PEOPLE:
            organizations.add_member(session, officer, person.organization, person.name, person.roles)
            token = organizations.issue_token(session, officer, person.organization, person.name)
            stage.tokens[person.organization, person.name] = token
    stage.tell("registered", organizations=len(cast.ORGANIZATIONS) + 1, people=len(cast.PEOPLE) + 1)


def _sign(stage: Stage, party: str, digest: str) -> None:
    person = "steward" if party in (cast.MINISTRY, cast.JUDGE) else None
    with stage.home.database.write() as session:
        agreements.sign(session, stage.actor(party, person), cast.AGREEMENT, digest)


def open_mission(stage: Stage) -> None:
    """2: the mission opens; its evaluator draws and seals the benchmark in a process of its own."""
    stage.step(2)
    document = read_document(example("mission.toml"), MissionDocument)
    with stage.home.database.write() as session:
        mission = missions.open_mission(session, stage.actor(cast.LEAD), document)
    objective = mission.objective
    title = objective.title_ko if stage.language == "ko" else objective.title_en
    stage.tell("objective", title=title, target=objective.target, at=objective.confidence, n=objective.n)
    sealed = stage.command("score", "seal", cast.MISSION, token=stage.token(cast.JUDGE, "evaluator"))
    stage.tell("sealed", who=cast.JUDGE, commitment=sealed.split()[0])


def deposit(stage: Stage) -> None:
    """4: each company deposits its own recordings."""
    stage.step(4)
    for company in cast.COMPANIES:
        folder = stage.recordings[company].result()
        version = assets.deposit(
            stage.home, stage.actor(company), folder, cast.data_set(company), cast.AGREEMENT
        )
        stage.notes[f"deposit:{company}"] = version.name
        size = f"{version.size_bytes / 1e6:.2f} MB"
        stage.tell("deposited", name=f"{version.name:<34}", files=version.files, size=size)


def harvest(stage: Stage) -> None:
    """The lead's catalogue elsewhere is taken in; one of its descriptions cannot be read, and is told."""
    folder = example("catalogue")
    actor = stage.actor(cast.LEAD)
    opened = open_home(stage.home.path, {"harvest_folders": str(folder)})
    try:
        with opened.database.write() as session:
            catalogue.add(session, actor, cast.SOURCE, "folder", str(folder), {})
        made = running.run(opened, actor, cast.SOURCE)
    finally:
        opened.database.close()
    stage.notes["harvest"] = made.harvest_id
    stage.tell("harvested", source=cast.SOURCE, n=made.made, problems=made.problems)
    query = "해수면 온도"
    answer = searching.search(stage.home, actor, searching.Asked(query, limit=1))
    best = answer.found[0].what
    if not isinstance(best, Record):
        raise Defect(found=best.name)
    stage.notes["record"] = best.record_id
    stage.tell("searched", query=query, title=best.description.title.in_language("en"))


def check(stage: Stage) -> None:
    """5: every deposit is checked; the mirrored one is quarantined and corrected."""
    stage.step(5)
    for company in cast.COMPANIES:
        _show(stage, checking.check(stage.home, stage.actor(company), stage.notes[f"deposit:{company}"]))
    company = cast.MIRRORED
    wrong = _version(stage, stage.notes[f"deposit:{company}"])
    if wrong.state != "quarantined":
        raise Defect(version=wrong.name, state=wrong.state)
    folder = stage.recordings["corrected"].result()
    stage.tell("corrects", who=company)
    corrected = assets.deposit(
        stage.home, stage.actor(company), folder, cast.data_set(company), cast.AGREEMENT
    )
    _show(stage, checking.check(stage.home, stage.actor(company), corrected.name))
    _describe(stage, cast.COMPANIES[0])
    _ask(stage, cast.COMPANIES[0])


def _describe(stage: Stage, company: str) -> None:
    """A company says what its recordings are, for the catalogue and for whoever cites them."""
    name = stage.notes[f"deposit:{company}"]
    with stage.home.database.write() as session:
        describing.describe(session, stage.actor(company), name, cast.DESCRIBED)
    stage.tell("described", name=name, title=cast.DESCRIBED.title.in_language(stage.language))


def _ask(stage: Stage, company: str) -> None:
    """A company asks its own recordings, in place: how many there are, and how long."""
    name = stage.notes[f"deposit:{company}"]
    sql = f'select count(*), max(timestamp) from "{name}/data"'  # noqa: S608  (a query of Madang's own kind)
    ((frames, seconds),) = querying.ask(stage.home, stage.actor(company), sql).rows
    stage.tell("asked", who=company, name=name, frames=frames, seconds=f"{seconds:.2f}")


def _show(stage: Stage, outcomes: list[checking.Outcome]) -> None:
    for outcome in outcomes:
        if outcome.waiting:
            continue
        state = i18n.text(f"assets.state.{outcome.version.state}", stage.language)
        stage.say(f"   {outcome.version.name:<34} {state}")
        for finding in outcome.findings:
            if finding.severity == "block":
                values = {"place": finding.place, **finding.evidence}
                for part in ("what", "remedy"):
                    told = i18n.text(f"finding.{finding.check}.{part}", stage.language, **values)
                    stage.say(f"     {told}")


def _version(stage: Stage, name: str) -> Version:
    with stage.home.database.read() as session:
        return lineage.get(session, name)


def alone(stage: Stage) -> None:
    """6: a company trains on its own data alone and submits; it does not reach the target."""
    stage.step(6)
    company = cast.COMPANIES[0]
    run = _run(stage, company, stage.notes[f"deposit:{company}"], "policy-alone", {"steps": 400}, 120)
    _submit(stage, company, run, "alone")


def pool(stage: Stage) -> None:
    """7: accepted versions are pooled; a company asking for another's raw data is refused."""
    stage.step(7)
    lead = stage.actor(cast.LEAD)
    bad = stage.notes[f"deposit:{cast.MIRRORED}"]
    with stage.refused("quarantined", NotAccepted, who=cast.LEAD, what=bad):
        assets.pool(stage.home, lead, cast.MISSION, "pool", [bad])
    pooled = assets.pool(stage.home, lead, cast.MISSION, "pool")
    stage.notes["pool"] = pooled.name
    with stage.home.database.read() as session:
        kinds = {o.name: o.kind for o in organizations.every(session)}
        terms = lineage.terms_of(session, pooled, kinds)
    stage.tell("pooled", name=pooled.name, **pooled.facts)
    for term in terms:
        who = ", ".join(term.organizations) or stage.text("nobody")
        stage.say(f"     {term.action:<9} {who}  {', '.join(term.grounds)}")
    asker, other = cast.COMPANIES[1], stage.notes[f"deposit:{cast.COMPANIES[0]}"]
    with stage.refused("raw-data", NotPermitted, who=asker, what=other):
        assets.download(stage.home, stage.actor(asker), other, stage.work / "taken")


def train(stage: Stage) -> None:
    """8: the training run under the award; a run larger than the award is refused."""
    stage.step(8)
    with stage.refused("too-large", AwardTooSmall, who=cast.LEAD):
        _order(stage, cast.LEAD, stage.notes["pool"], "policy", {}, 36_000)
    run = _run(stage, cast.LEAD, stage.notes["pool"], "policy", {}, 300)
    stage.notes["run"] = run.run_id


def _order(
    stage: Stage, organization: str, version: str, output: str, parameters: dict[str, int], seconds: int
) -> Run:
    order = runs.Order(
        cast.MISSION,
        _RECIPE,
        [version],
        stage.notes[f"award:{organization}"],
        output,
        parameters,
        wall_seconds=seconds,
    )
    return runs.submit(stage.home, stage.actor(organization), order)


def _run(
    stage: Stage, organization: str, version: str, output: str, parameters: dict[str, int], seconds: int
) -> Run:
    run = _order(stage, organization, version, output, parameters, seconds)
    stage.tell("run", id=run.run_id, recipe=_RECIPE, on=version, cores=run.cores, seconds=seconds)
    shown = 0
    while run.live:
        time.sleep(0.2)
        with stage.home.database.read() as session:
            run = runs.get(session, run.run_id)
        lines = live.log_of(stage.home, run).decode("utf-8", "replace").splitlines()
        for line in lines[shown:]:
            stage.say(f"     | {line}")
        shown = max(shown, len(lines))
    if run.state != "succeeded":
        raise Defect(run=run.run_id, state=run.state, reason=run.reason)
    stage.tell("used", n=run.used_resource_seconds)
    return run


def _submit(stage: Stage, organization: str, run: Run, name: str) -> None:
    """Submit, and let the evaluator judge it on the feedback half; the board shows what the Ladder lets."""
    model = f"{organization}/{run.output_asset}@1"
    with stage.home.database.write() as session:
        submission = scores.submit(session, stage.actor(organization), cast.MISSION, model)
    stage.command("score", "work", token=stage.token(cast.JUDGE, "evaluator"))
    with stage.home.database.read() as session:
        told = scores.feedback_of(session, submission.submission_id)
    if told is None or not told.released:
        raise Defect(submission=submission.submission_id)
    stage.notes[f"submission:{name}"] = submission.submission_id
    stage.tell("board", model=model, value=f"{told.value:.3f} [{told.lower:.3f}, {told.upper:.3f}]", n=told.n)


def _final(stage: Stage, name: str) -> Score:
    """Show a submission's score on the final half."""
    with stage.home.database.read() as session:
        submission = scores.get_submission(session, stage.notes[f"submission:{name}"])
        score = scores.score_of(session, submission.submission_id)
        model = lineage.get(session, submission.version_id).name
        mission = missions.get(session, cast.MISSION)
    if score is None:
        raise Defect(submission=submission.submission_id)
    outcome = i18n.text(f"scores.outcome.{score.outcome}", stage.language)
    value = f"{score.value:.3f} [{score.lower:.3f}, {score.upper:.3f}]"
    objective = mission.objective
    stage.tell(
        "score", model=model, value=value, n=score.n, of=objective.n, outcome=outcome, target=objective.target
    )
    if score.outcome != "reached":
        needed = items_needed(score.value, mission.objective.target, mission.objective.confidence)
        stage.tell("needed" if needed else "none-would-do", n=needed)
    return score


def judge(stage: Stage) -> None:
    """9: the pooled model is judged; two people open the final half, which decides; anyone may repeat it."""
    stage.step(9)
    with stage.home.database.read() as session:
        run = runs.get(session, stage.notes["run"])
    _submit(stage, cast.LEAD, run, "pooled")
    evaluator, officer = stage.token(cast.JUDGE, "evaluator"), stage.token(cast.MINISTRY, "officer")
    stage.command("score", "open", cast.MISSION, token=officer)
    with stage.refused("open-alone", SamePerson, who=cast.MINISTRY), stage.home.database.write() as session:
        opening.approve(session, stage.actor(cast.MINISTRY, "officer"), cast.MISSION)
    stage.command("score", "open", cast.MISSION, token=evaluator)
    stage.tell("opened", first=cast.MINISTRY, second=cast.JUDGE)
    stage.command("score", "work", token=evaluator)
    _final(stage, "alone")
    score = _final(stage, "pooled")
    for task, (successes, n) in score.groups.items():
        interval = wilson(successes, n)
        stage.say(f"     {task:<26} {interval.mean:.2f} [{interval.lower:.2f}, {interval.upper:.2f}] n={n}")
    for metric, guard in score.statement["guards"].items():
        state = "guard-holds" if guard["holds"] else "guard-broken"
        stage.tell(state, metric=metric, upper=guard["upper"], most=guard["at_most"])
    stage.notes["outcome"] = score.outcome
    company = cast.COMPANIES[0]
    again = ("score", "recompute", stage.notes["submission:alone"], "--json")
    told = json.loads(stage.command(*again, token=stage.token(company)))
    stage.tell("recomputed", who=company, value=f"{told['value']:.3f}", n=told["n"])


def prove(stage: Stage) -> None:
    """10: the line backwards, verified here and then checked from an empty folder."""
    stage.step(10)
    home = stage.home.path
    token = stage.token(cast.LEAD)
    verified = json.loads(stage.command("ledger", "verify", "--json", token=token))
    stage.tell("verified", entries=verified["entries"], rows=verified["rows"])
    proof, checkpoint = home / "proof.json", home / "checkpoint.txt"
    submission = stage.notes["submission:pooled"]
    stage.command(
        "ledger", "prove", submission, "--out", str(proof), "--checkpoint", str(checkpoint), token=token
    )
    empty = stage.work / "outsider"
    empty.mkdir()
    for file in (proof, checkpoint):
        (empty / file.name).write_bytes(file.read_bytes())
    key = str(stage.home.database.keys.signer.verifier)  # an outsider has it from a member
    told = stage.outside(
        "ledger", "check", "proof.json", "--checkpoint", "checkpoint.txt", "--key", key, cwd=empty
    )
    for line in told.splitlines():
        stage.say(f"   {line}")
    stage.notes["checked"] = told.splitlines()[-2]


def token_files(stage: Stage, folder: Path) -> None:
    """Keep everybody's token, for trying the pages and commands as them."""
    from madang.interfaces.cli.home import save_token

    for (organization, name), token in stage.tokens.items():
        save_token(folder, organization, name, token)

"""What each role may do. One Cedar policy a rule, named ``role/...``; clauses are the agreements'."""

from __future__ import annotations

from collections.abc import Sequence

from madang.kernel.authorizer import Decision, Policy, Request, register_source
from madang.kernel.database import Session
from madang.kernel.i18n import Message


def _permit(name: str, actions: Sequence[str], condition: str) -> Policy:
    listed = ", ".join(f'Action::"{action}"' for action in actions)
    return Policy(
        f"role/{name}", f"permit(principal, action in [{listed}], resource) when {{ {condition} }};"
    )


def _role(role: str) -> str:
    return f'principal.roles.contains("{role}")'


_OWN = "principal.organization == resource.owner"

_RULES: tuple[tuple[tuple[str, ...], Policy], ...] = tuple(
    (actions, _permit(name, actions, condition))
    for name, actions, condition in (
        (
            "officer-governs",
            (
                "organization.register",
                "award.make",
                "capacity.split",
                "plan.adopt",
                "call.open",
                "call.decide",
            ),
            f'{_role("officer")} && principal.kind == "ministry"',
        ),
        (
            "officer-enrols",
            ("member.add", "token.issue", "token.revoke"),
            f'{_role("officer")} && (principal.kind == "ministry" || {_OWN})',
        ),
        ("steward-drafts-agreement", ("agreement.draft",), f"{_role('steward')} && {_OWN}"),
        ("steward-signs", ("agreement.sign",), f"{_role('steward')} && {_OWN}"),
        ("steward-meets-obligation", ("obligation.meet",), f"{_role('steward')} && {_OWN}"),
        ("lead-opens-mission", ("mission.open",), f"{_role('researcher')} && {_OWN}"),
        ("steward-deposits", ("asset.deposit", "asset.withdraw"), f"{_role('steward')} && {_OWN}"),
        (
            "steward-harvests",
            ("source.add", "source.change", "source.end", "harvest.run"),
            f"{_role('steward')} && {_OWN}",
        ),
        ("researcher-pools", ("asset.pool",), f"{_role('researcher')} && {_OWN}"),
        (
            "member-downloads",
            ("asset.download", "asset.query"),
            f"({_role('researcher')} || {_role('steward')}) && {_OWN}",
        ),
        (
            "operator-runs-site",
            ("capacity.declare", "run.operate", "quota.enforce"),
            f"{_role('operator')} && {_OWN}",
        ),
        (
            "member-keeps-trial",
            ("trial.keep",),
            f"({_role('officer')} || {_role('researcher')} || {_role('operator')}) && {_OWN}",
        ),
        ("researcher-runs", ("run.submit", "run.cancel"), f"{_role('researcher')} && {_OWN}"),
        ("researcher-applies", ("application.make",), f"{_role('researcher')} && {_OWN}"),
        ("researcher-submits", ("score.submit",), f"{_role('researcher')} && {_OWN}"),
        (
            "evaluator-judges",
            ("benchmark.seal", "score.record"),
            f"{_role('evaluator')} && {_OWN}",
        ),
        (
            "evaluator-or-officer-opens",
            ("benchmark.open",),
            f'({_role("evaluator")} && {_OWN}) || ({_role("officer")} && principal.kind == "ministry")',
        ),
        ("owner-uses-own", ("pool", "train", "evaluate", "query", "download"), _OWN),
        (
            "overseer-reads-ledger",
            ("ledger.read",),
            f'{_role("auditor")} || principal.kind == "ministry"',
        ),
        (
            "ministry-grants-oversight",
            ("role.oversee",),
            f'{_role("officer")} && principal.kind == "ministry"',
        ),
    )
)


class RolePolicies:
    """Contributes the rules whose action is the one asked for."""

    def policies(self, session: Session, request: Request) -> Sequence[Policy]:
        """Rules on this action."""
        return [policy for actions, policy in _RULES if request.action in actions]

    def explain(self, session: Session, request: Request, decision: Decision) -> Message | None:
        """Which role would be needed, where the action is a role's."""
        rule = next((p for actions, p in _RULES if request.action in actions), None)
        if (
            rule is None
            or decision.by
            or request.action in ("pool", "train", "evaluate", "query", "download")
        ):
            return None
        roles = ", ".join(sorted(request.principal.roles)) or "-"
        who = request.principal.organization or "-"
        return Message("organizations.needs-rule", rule=rule.name, organization=who, roles=roles)


register_source(RolePolicies())

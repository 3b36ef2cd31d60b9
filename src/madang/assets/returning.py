"""Evidence that a model was returned: a version of the debtor's, made from the creditors' data."""

from __future__ import annotations

from madang.agreements import obligations
from madang.agreements.errors import WrongEvidence
from madang.agreements.model import Agreement, Obligation
from madang.assets import lineage
from madang.assets.errors import NoSuchVersion
from madang.kernel.authorizer import Principal
from madang.kernel.database import Session
from madang.kernel.i18n import Message


def check(
    session: Session, actor: Principal, agreement: Agreement, owed: Obligation, given: dict[str, str]
) -> dict[str, str]:
    """The named version is a model of the debtor in the agreement's mission, made from its parties' data."""
    try:
        version = lineage.see(session, actor, given.get("version", ""))
    except NoSuchVersion as error:
        reason = Message("assets.evidence-needs-version")
        raise WrongEvidence(duty=owed.duty, reason=reason) from error
    roots = lineage.roots_of(session, version.version_id)
    fits = version.kind == "model" and version.owner == owed.organization
    if not fits or version.mission != agreement.mission:
        reason = Message("assets.evidence-other-version", version=version.name)
        raise WrongEvidence(duty=owed.duty, reason=reason)
    owners = {root.owner for root in roots if root.agreement == agreement.name} - {owed.organization}
    if not owners:
        reason = Message("assets.evidence-not-made-from", version=version.name, agreement=agreement.name)
        raise WrongEvidence(duty=owed.duty, reason=reason)
    return {**given, "version": version.version_id, "made_from": ", ".join(sorted(owners))}


obligations.register_evidence("return-model", check)

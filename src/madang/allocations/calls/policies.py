"""Who may review: the people a call names, about applications they have no part in."""

from __future__ import annotations

from collections.abc import Sequence

from madang.kernel.authorizer import Decision, Policy, Request, register_source
from madang.kernel.database import Session
from madang.kernel.i18n import Message

_ACTION = "application.review"
_REVIEWER = Policy(
    "call/reviewer",
    f'permit(principal, action == Action::"{_ACTION}", resource) when '
    "{ resource.reviewers.contains(principal.member) };",
)
_CONFLICT = Policy(
    "call/conflict",
    f'forbid(principal, action == Action::"{_ACTION}", resource) when '
    "{ resource.involved.contains(principal.organization) };",
)


class ReviewPolicies:
    """Contributes the two rules about reviews."""

    def policies(self, session: Session, request: Request) -> Sequence[Policy]:
        """Both rules, where a review is asked about."""
        return (_REVIEWER, _CONFLICT) if request.action == _ACTION else ()

    def explain(self, session: Session, request: Request, decision: Decision) -> Message | None:
        """Whether a conflict or the call's list stands against it."""
        if request.action != _ACTION:
            return None
        if _CONFLICT.name in decision.by:
            return Message("allocations.review-conflict", organization=request.principal.organization)
        return Message("allocations.not-reviewer")


register_source(ReviewPolicies())

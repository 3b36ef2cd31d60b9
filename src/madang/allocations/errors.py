"""What can go wrong with compute."""

from madang.kernel import i18n
from madang.kernel.errors import Conflict, Invalid, NotFound, Tampered

i18n.register_catalogue("madang.allocations")


class NoSuchCapacity(NotFound):
    """Facts: capacity."""


class NoSuchAward(NotFound):
    """Facts: award."""


class BadPeriod(Invalid):
    """Facts: starts, ends."""


class BadShares(Invalid):
    """Facts: reason."""


class AlreadySplit(Conflict):
    """Facts: capacity."""


class ShareTooSmall(Conflict):
    """Facts: share, capacity, asked, left (resource-hours)."""


class AwardTooSmall(Conflict):
    """Facts: award, asked, left (resource-seconds), count, seconds."""


class TooManyUnits(Conflict):
    """A run wider than the site. Facts: award, asked, count."""


class AwardOfAnother(Conflict):
    """Facts: award, holder, mission, organization."""


class NotParticipant(Conflict):
    """Compute for an organization that takes no part in the mission. Facts: organization, mission."""


class AwardNotOpen(Conflict):
    """Facts: award, starts, ends."""


class NamedTwice(Invalid):
    """A name that a plan's table has twice. Facts: table, name."""


class OutsidePlan(Invalid):
    """A period outside the plan's, or not of whole months. Facts: what, starts, ends, low, high."""


class UnknownInPlan(Invalid):
    """A name that a plan uses and does not define. Facts: table, name, known."""


class SharesDoNotSum(Invalid):
    """Percentages of one level that are not 100 together. Facts: parent, percents, total."""


class KindWithoutFactor(Invalid):
    """A kind with no normalisation factor in force. Facts: kind, day."""


class PeriodsOverlap(Invalid):
    """Two capacity lines of one site and kind that overlap. Facts: site, kind, first, second."""


class NoSuchPlan(NotFound):
    """Facts: plan."""


class PlanUnchanged(Conflict):
    """The latest plan of that name is the same. Facts: plan."""


class NotInPlan(Invalid):
    """A site that a plan has no capacity for. Facts: plan, site, known."""


class AlreadyEnacted(Conflict):
    """The site declared that kind for that time before. Facts: site, kind, capacity."""


class CallExists(Conflict):
    """Facts: call."""


class NoSuchCall(NotFound):
    """Facts: call."""


class CallOver(Conflict):
    """A call that takes no applications any more. Facts: call, closes."""


class CallOpen(Conflict):
    """A call that still takes applications. Facts: call, closes."""


class CallDecided(Conflict):
    """Facts: call."""


class NotDecided(Conflict):
    """Facts: call."""


class DecisionChanged(Tampered):
    """A decision that its inputs do not give. Facts: call."""


class NothingToAward(Conflict):
    """No capacity of the call's months has hours of its share left. Facts: call, share, months."""


class OverTheCall(Invalid):
    """More is asked than the call has. Facts: call, month, asked, most, place, places."""


class NoSuchApplication(NotFound):
    """Facts: application."""


class BadScore(Invalid):
    """Facts: score."""


class BadSize(Invalid):
    """A training configuration that makes no sense. Facts: name, value, most."""


class NeverStarts(Invalid):
    """Runs of a simulation that nothing makes room for. Facts: waiting, largest."""


class TraceUnreadable(Invalid):
    """A file that is no trace of jobs. Facts: file, reason."""


class NothingToSimulate(Invalid):
    """No job of a trace fits the machine. Facts: trace, kind, widest."""


class SiteOfAnother(Conflict):
    """A site that an adopted plan, or the record, gives to another organization. Facts: site, operator."""


class PlanSuperseded(Conflict):
    """A plan that is not the latest of its name. Facts: plan, latest."""


class ClosesInPast(Invalid):
    """A call that would close before now. Facts: call, closes."""


class MonthsOver(Invalid):
    """A call for months that end before it closes. Facts: call, closes, starts."""


class TooFewReviewers(Invalid):
    """A call that asks for more reviews than it has reviewers. Facts: reviews, reviewers."""


class ApplicationWithdrawn(Conflict):
    """Facts: application, withdrawn."""


class ConflictDeclared(Conflict):
    """A reviewer who declared a conflict of interest would score. Facts: application."""


class NotAllReviewed(Conflict):
    """Applications that a decision would leave out for want of reviews. Facts: call, applications."""


class NoWholeNode(Invalid):
    """A plan none of whose kinds has as many as a node. Facts: plan, gpus (of a node)."""


class NodesDiffer(Invalid):
    """Policies with nodes of different sizes, which would not meet the same jobs. Facts: sizes."""


class AlreadyApplied(Conflict):
    """The same application by the same organization in the same call. Facts: application."""


class NoSuchSite(NotFound):
    """Facts: site."""


class OtherSite(Invalid):
    """A site whose scheduler is not the one of this home. Facts: site, own."""


class WhichSite(Invalid):
    """An organization operates no site, or several, and none was named. Facts: organization, known."""


class NoQuotaEngine(Invalid):
    """The settings name no scheduler whose limits could follow awards. Facts: known."""


class QuotaDrift(Conflict):
    """A scheduler holds to other limits than it was told. Facts: count, first."""

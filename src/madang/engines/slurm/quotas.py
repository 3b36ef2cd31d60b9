"""Quotas on Slurm: written with sacctmgr, and read back as what is in force.

Slurm takes the first limit that it finds: of the partition's QOS, the job's QOS, then the association and
those above it. So a limit that somebody sets on a QOS silently replaces the budget on an award's account;
what is compared is what is in force, and every limit on our objects that is not ours is told.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Mapping, Sequence

from madang.allocations.quotas.model import AwardQuota, Drift, SiteQuotas
from madang.engines.slurm.commands import Resources, amounts, called, table
from madang.engines.slurm.launcher import borrow_qos, share_qos
from madang.kernel.extension import Engine
from madang.kernel.settings import Values
from madang.runs.errors import SchedulerRefused

ENGINE = Engine("slurm", "quotas", "madang.engines.slurm.quotas:SlurmQuotas", ("sacctmgr", "scontrol"))

Limits = dict[str, str]
"""A limit's name in sacctmgr's spelling -> its value, "" where there is none."""

_COMMON = ("GrpTRES", "GrpTRESMins", "GrpTRESRunMins", "GrpJobs", "GrpSubmit", "GrpWall")
_EACH = ("MaxTRES", "MaxTRESPerNode", "MaxTRESMins", "MaxWall")
_QOS_LIMITS = (
    *_COMMON, *_EACH, "MaxTRESPU", "MaxJobsPU", "MaxSubmitPU", "MaxTRESPA", "MaxJobsPA", "MaxSubmitPA",
    "MinTRES",
)  # fmt: skip
_QOS_RULES = {
    "UsageFactor": "1.000000", "UsageThres": "", "LimitFactor": "", "GraceTime": "00:00:00",
    "PreemptMode": "cluster", "PreemptExemptTime": "", "MaxTRESRunMinsPA": "", "MaxTRESRunMinsPU": "",
}  # fmt: skip
"""What else of a QOS bends a budget, as Slurm has it where nobody changed it: with a UsageFactor of 0 a
budget is never used up, a LimitFactor multiplies it."""
_ASSOCIATION_LIMITS = (*_COMMON, *_EACH, "MaxJobs", "MaxSubmit")
_QOS_OURS = ("Priority", "Flags", "Preempt", "GrpTRES")
"""What of a QOS we write; the rest is only compared."""
_ACCOUNT_OURS = ("QOS", "DefaultQOS", "GrpTRESMins")
_FLAGS = "DenyOnLimit,NoDecay"
_UNMARKED = "madang"
"""The organization of accounts that bear no site's name."""
_OWN_PRIORITY, _BORROW_PRIORITY = "100", "1"
_AT_ONCE = 200
_KEEPS = ("OFF", "SUSPEND", "GANG")
"""Modes of preemption in which a borrower keeps what it has."""
_CLOSED = "0"
"""GrpSubmit of an award whose time is not now: nobody may submit."""


class SlurmQuotas:
    """See the module's docstring; what is called how, in the package's."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._resources = Resources(values)
        self._cluster = ""

    def apply(self, wanted: SiteQuotas) -> int:
        """Write what differs: QOS first, then accounts, each with its limits in one command."""
        self._cluster = self._settings().get("ClusterName", "")
        self._require_ours(wanted.site)
        changes, qos = 0, self._qos()
        for name, limits in self._wanted_qos(wanted).items():
            changes += self._write_qos(name, limits, qos.get(name))
        accounts = self._associations()
        if (self._values.slurm_account, "") not in accounts:
            self._add_account(self._values.slurm_account, "root", organization=wanted.site)
            changes += 1
        for award in wanted.awards:
            changes += self._write_award(award, wanted, accounts)
        return changes

    def drift(self, wanted: SiteQuotas) -> Sequence[Drift]:
        """Compare every limit of our objects and of those above them, and the settings they rest on."""
        settings = self._settings()
        self._cluster = settings.get("ClusterName", "")
        found = list(self._settings_drift(wanted, settings))
        qos = self._qos()
        for name, limits in self._wanted_qos(wanted).items():
            found += _compare(f"qos {name}", limits, qos.get(name))
        accounts = self._associations()
        for name in ("root", self._values.slurm_account):
            found += _compare(
                f"account {name}", dict.fromkeys(_ASSOCIATION_LIMITS, ""), accounts.get((name, ""))
            )
        for award in wanted.awards:
            found += self._award_drift(award, wanted, accounts)
        return [
            *found,
            *self._strangers(wanted, accounts),
            *self._partition_drift(qos),
            *self._effective_drift(wanted, qos, accounts),
            *self._controller_drift(wanted, accounts),
        ]

    def _strangers(self, wanted: SiteQuotas, accounts: Mapping[tuple[str, str], Limits]) -> Iterator[Drift]:
        """Who else may use an award, or a share: accounts below ours that are no award's, users on our
        accounts, accounts of others with our QOS."""
        top, prefix = self._values.slurm_account, f"{self._values.slurm_account}-"
        awards = {one.award_id for one in wanted.awards}
        for (account, user), limits in accounts.items():
            above = [name for name, _ in self._above(account, accounts)][1:]
            if account not in awards and top in above:
                if not user:
                    yield Drift(f"account {account}", "ParentName", "", limits["ParentName"])
                continue
            if account in awards and user not in ("", getpass.getuser()):
                yield Drift(f"account {account}", "User", "", user)
            held = [name for name in limits["QOS"].split(",") if name.startswith(prefix)]
            if held and account not in awards:
                yield Drift(f"account {account}", "QOS", "", ",".join(held))

    def _controller_drift(
        self, wanted: SiteQuotas, accounts: Mapping[tuple[str, str], Limits]
    ) -> Iterator[Drift]:
        """The budgets that the controller itself holds: it may have missed what the database was told."""
        open_now = {one.award_id: one for one in wanted.awards if one.open and (one.award_id, "") in accounts}
        names = sorted(open_now)
        for first in range(0, len(names), _AT_ONCE):
            asked = f"accounts={','.join(names[first : first + _AT_ONCE])}"
            for line in called("scontrol", "-o", "show", "assoc_mgr", asked, "flags=assoc").splitlines():
                facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
                award = open_now.get(facts.get("Account", ""))
                if award is None or facts.get("UserName"):
                    continue
                tres, budget = self._resources.tres(award.kind), str(award.resource_seconds // 60)
                held = re.search(rf"(?:^|,){re.escape(tres)}=(\w+)\(", facts.get("GrpTRESMins", ""))
                found = held.group(1) if held else ""
                if found != budget:
                    yield Drift(f"slurmctld, account {award.award_id}", "GrpTRESMins", budget, found)

    def _award_drift(
        self, award: AwardQuota, wanted: SiteQuotas, accounts: Mapping[tuple[str, str], Limits]
    ) -> Iterator[Drift]:
        there = accounts.get((award.award_id, ""))
        if not award.open:
            if there is not None and there["GrpSubmit"] != _CLOSED:
                yield Drift(f"account {award.award_id}", "GrpSubmit", _CLOSED, there["GrpSubmit"])
            return
        yield from _compare(f"account {award.award_id}", self._wanted_association(award, wanted), there)
        user = getpass.getuser()
        own = {**self._wanted_association(award, wanted), "GrpTRESMins": "", "ParentName": ""}
        yield from _compare(f"user {user} of {award.award_id}", own, accounts.get((award.award_id, user)))

    def _wanted_qos(self, wanted: SiteQuotas) -> dict[str, Limits]:
        borrow = borrow_qos(self._values)
        lent = _text({self._resources.tres(kind): wanted.lent(kind) for kind in wanted.kinds})
        none = dict.fromkeys(_QOS_LIMITS, "") | _QOS_RULES
        found = {
            borrow: none | {"Priority": _BORROW_PRIORITY, "Flags": _FLAGS, "Preempt": "", "GrpTRES": lent}
        }
        for share in sorted({one.share for one in wanted.shares}):
            quotas = wanted.of_share(share)
            found[share_qos(self._values, share)] = none | {
                "Priority": _OWN_PRIORITY,
                "Flags": _FLAGS,
                "Preempt": borrow if all(one.preempts for one in quotas) else "",
                "GrpTRES": _text({self._resources.tres(one.kind): one.count for one in quotas}),
            }
        return found

    def _wanted_association(self, award: AwardQuota, wanted: SiteQuotas) -> Limits:
        borrows = any(one.borrows for one in wanted.of_share(award.share))
        names = [share_qos(self._values, award.share), *([borrow_qos(self._values)] if borrows else [])]
        budget = _text({self._resources.tres(award.kind): award.resource_seconds // 60})
        return dict.fromkeys(_ASSOCIATION_LIMITS, "") | {
            "ParentName": self._values.slurm_account,
            "QOS": ",".join(sorted(names)),
            "DefaultQOS": names[0],
            "GrpTRESMins": budget,
        }

    def _write_qos(self, name: str, limits: Limits, there: Limits | None) -> int:
        if there is None:
            words = [f"{key}={limits[key]}" for key in _QOS_OURS if limits[key]]
            called("sacctmgr", "-i", "add", "qos", name, "set", *words)
            return 1
        words = _changes(limits, there, _QOS_OURS)
        if words:
            called("sacctmgr", "-i", "modify", "qos", "where", f"name={name}", "set", *words)
        return int(bool(words))

    def _write_award(
        self, award: AwardQuota, wanted: SiteQuotas, accounts: Mapping[tuple[str, str], Limits]
    ) -> int:
        there, user = accounts.get((award.award_id, "")), getpass.getuser()
        if not award.open:
            if there is None or there["GrpSubmit"] == _CLOSED:
                return 0
            self._modify_account(award.award_id, [f"GrpSubmit={_CLOSED}"])
            return 1
        wanted_now, changes = self._wanted_association(award, wanted), 0
        if there is None:
            limits = [f"{name}={wanted_now[name]}" for name in _ACCOUNT_OURS if wanted_now[name]]
            self._add_account(award.award_id, self._values.slurm_account, *limits)
            changes += 1
        else:
            words = _changes(wanted_now, there, _ACCOUNT_OURS)
            if there["GrpSubmit"] == _CLOSED:
                words.append("GrpSubmit=-1")
            if words:
                self._modify_account(award.award_id, words)
                changes += 1
        if (award.award_id, user) not in accounts:
            called(
                "sacctmgr", "-i", "add", "user", user, f"account={award.award_id}", f"cluster={self._cluster}"
            )
            changes += 1
        return changes

    def _require_ours(self, site: str) -> None:
        """The account above all awards bears its site's name: the limits of two sites have the same names,
        and would replace one another. SchedulerRefused where it bears another's."""
        columns, top = ("Account", "Org"), self._values.slurm_account
        rows = table(columns, "sacctmgr", "-n", "-P", "show", "account", top, "format=Account,Org")
        found = next((row["Org"] for row in rows if row["Account"] == top), site)
        if found == _UNMARKED:  # of an earlier Madang
            words = ("where", f"name={top}", "set", f"organization={site}")
            called("sacctmgr", "-i", "modify", "account", *words)
        elif found != site:
            raise SchedulerRefused(
                command="sacctmgr",
                reason=f"account {top} is of the site {found} (slurm_account), not of {site}",
            )

    def _add_account(self, name: str, parent: str, *limits: str, organization: str = _UNMARKED) -> None:
        """An account comes into being with its limits, in one command: nobody uses it without."""
        called(
            "sacctmgr", "-i", "add", "account", name, f"cluster={self._cluster}", f"parent={parent}",
            "description=madang", f"organization={organization}", *limits,
        )  # fmt: skip

    def _modify_account(self, name: str, words: Sequence[str]) -> None:
        where = (f"name={name}", f"cluster={self._cluster}")
        called("sacctmgr", "-i", "modify", "account", "where", *where, "set", *words)

    def _qos(self) -> dict[str, Limits]:
        columns = ("Name", "Priority", "Preempt", "Flags", *_QOS_RULES, *_QOS_LIMITS)
        rows = table(columns, "sacctmgr", "-n", "-P", "show", "qos", f"format={','.join(columns)}")
        return {row["Name"]: {**row, **_sorted_lists(row, ("Preempt", "Flags", "GrpTRES"))} for row in rows}

    def _associations(self) -> dict[tuple[str, str], Limits]:
        """(account, user or "" for the account itself) -> its limits."""
        columns = ("Account", "User", "ParentName", "QOS", "DefaultQOS", *_ASSOCIATION_LIMITS)
        choice = (f"cluster={self._cluster}", f"format={','.join(columns)}")
        rows = table(columns, "sacctmgr", "-n", "-P", "show", "assoc", *choice)
        return {
            (row["Account"].strip(), row["User"]): {**row, **_sorted_lists(row, ("QOS", "GrpTRESMins"))}
            for row in rows
        }

    def _settings(self) -> dict[str, str]:
        lines = (line.partition("=") for line in called("scontrol", "show", "config").splitlines())
        return {key.strip(): value.strip() for key, _, value in lines if value}

    def _settings_drift(self, wanted: SiteQuotas, now: Mapping[str, str]) -> Iterator[Drift]:
        """What Slurm's configuration must say for the limits to hold, and for budgets not to decay."""

        def holds(name: str, needed: Sequence[str]) -> Iterator[Drift]:
            has = now.get(name, "").lower().split(",")
            if not all(one.lower() in has for one in needed):
                yield Drift("slurm.conf", name, ",".join(needed), now.get(name, ""))

        yield from holds("AccountingStorageEnforce", ("associations", "limits", "qos", "safe"))
        counted = [tres for tres in map(self._resources.tres, wanted.kinds) if tres != "cpu"]
        yield from holds("AccountingStorageTRES", counted)
        yield from holds("PreemptType", ("preempt/qos",))
        yield from holds("PriorityType", ("priority/multifactor",))
        yield from holds("PriorityUsageResetPeriod", ("NONE",))
        if now.get("PriorityDecayHalfLife", "") not in ("00:00:00", "0"):
            yield Drift("slurm.conf", "PriorityDecayHalfLife", "0", now.get("PriorityDecayHalfLife", ""))
        if now.get("PreemptMode", "OFF").upper().split(",")[0] in _KEEPS:
            yield Drift("slurm.conf", "PreemptMode", "CANCEL", now.get("PreemptMode", ""))
        if now.get("PreemptExemptTime", "00:00:00") not in ("00:00:00", "NONE"):
            yield Drift("slurm.conf", "PreemptExemptTime", "00:00:00", now.get("PreemptExemptTime", ""))

    def _partition_drift(self, qos: Mapping[str, Limits]) -> Iterator[Drift]:
        """A QOS of a partition comes before that of a job; ours must be there, take us, and give back."""
        named, met = self._values.slurm_partition, False
        for line in called("scontrol", "-o", "show", "partition").splitlines():
            facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
            where = f"partition {facts['PartitionName']}"
            limits = qos.get(facts.get("QoS", "N/A"), {})
            for name in _QOS_LIMITS:
                if limits.get(name):
                    yield Drift(where, name, "", limits[name])
            if facts["PartitionName"] == named or (not named and facts.get("Default") == "YES"):
                met = True
                yield from _partition_rules(where, facts)
        if not met:
            yield Drift(f"partition {named or '(default)'}", "PartitionName", "there", "")

    def _effective_drift(
        self,
        wanted: SiteQuotas,
        qos: Mapping[str, Limits],
        accounts: Mapping[tuple[str, str], Limits],
    ) -> Iterator[Drift]:
        """The budget that is in force for each open award, by Slurm's own order."""
        for award in wanted.awards:
            if not award.open or (award.award_id, "") not in accounts:
                continue
            tres, budget = self._resources.tres(award.kind), award.resource_seconds // 60
            for name in self._wanted_association(award, wanted)["QOS"].split(","):
                chain = [accounts[key] for key in self._above(award.award_id, accounts)]
                first = amounts(qos.get(name, {}).get("GrpTRESMins", "")).get(tres)
                limits = (
                    [amounts(one["GrpTRESMins"]).get(tres) for one in chain] if first is None else [first]
                )
                known = [limit for limit in limits if limit is not None]
                if not known or min(known) != budget:
                    where = f"account {award.award_id} under qos {name}"
                    found = str(min(known)) if known else ""
                    yield Drift(where, f"GrpTRESMins in force, {tres}", str(budget), found)

    def _above(self, account: str, accounts: Mapping[tuple[str, str], Limits]) -> Iterator[tuple[str, str]]:
        """The association of our user, the account's own, and those above it."""
        if (account, getpass.getuser()) in accounts:
            yield (account, getpass.getuser())
        while (account, "") in accounts:
            yield (account, "")
            account = accounts[account, ""]["ParentName"]


def _partition_rules(where: str, facts: Mapping[str, str]) -> Iterator[Drift]:
    """What of the partition of our jobs keeps them out, or from giving back what they borrowed."""
    for name in ("AllowAccounts", "AllowQos"):
        if facts.get(name, "ALL") != "ALL":
            yield Drift(where, name, "ALL", facts[name])
    for name in ("DenyAccounts", "DenyQos"):
        if facts.get(name):
            yield Drift(where, name, "", facts[name])
    if facts.get("PreemptMode", "CANCEL").upper().split(",")[0] in _KEEPS:
        yield Drift(where, "PreemptMode", "CANCEL", facts["PreemptMode"])
    if facts.get("State", "UP") != "UP":
        yield Drift(where, "State", "UP", facts["State"])


def _text(counts: Mapping[str, int]) -> str:
    return ",".join(f"{name}={count}" for name, count in sorted(counts.items()))


def _sorted_lists(row: Mapping[str, str], names: Sequence[str]) -> Limits:
    """Lists in one order: Slurm gives them in its own."""
    return {name: ",".join(sorted(part for part in row[name].split(",") if part)) for name in names}


def _compare(where: str, wanted: Limits, found: Limits | None) -> Iterator[Drift]:
    if found is None:
        yield Drift(where, "", "there", "")
        return
    for name, value in wanted.items():
        if found[name] != value:
            yield Drift(where, name, value, found[name])


def _changes(wanted: Limits, there: Limits, ours: Sequence[str]) -> list[str]:
    """sacctmgr's words for what differs, of the limits that we set; a resource that is no longer limited, or
    a list that has become empty, is taken back."""
    words = []
    for name in ours:
        if wanted[name] == there[name]:
            continue
        gone = sorted(set(amounts(there[name])) - set(amounts(wanted[name]))) if "TRES" in name else []
        parts = [wanted[name], *(f"{tres}=-1" for tres in gone)]
        words.append(f"{name}={','.join(part for part in parts if part)}")
    return words

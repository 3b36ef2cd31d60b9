"""A policy to be tried: the document, and the rules it gives the kernel."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.allocations.planner.simulation import Rules


class PolicyDocument(BaseModel):
    """The ``[policy]`` of a file. What it leaves out is as here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("default", pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    node_gpus: int = Field(8, ge=1, le=64, strict=True, description="GPUs of a node.")
    backfill_depth: int = Field(
        100, ge=0, le=10_000, strict=True, description="Runs of each share looked at; 0 is strict order."
    )
    borrow: bool = Field(True, description="Shares may use what others leave idle, as the plan allows.")
    reclaim: bool = Field(True, description="Borrowed GPUs are taken back by preemption, as the plan says.")
    checkpoint_seconds: int = Field(3600, ge=0, strict=True, description="0: preempted work is lost.")
    restart_seconds: int = Field(300, ge=0, strict=True)
    node_mtbf_hours: float = Field(0.0, ge=0, le=1e7, description="0: nodes do not fail; else at least 1.")
    repair_hours: float = Field(12.0, ge=0, le=8760)

    @model_validator(mode="after")
    def _fails_seldom(self) -> PolicyDocument:
        if 0 < self.node_mtbf_hours < 1:
            raise ValueError("node_mtbf_hours is 0 or at least 1")
        return self

    def rules(self) -> Rules:
        """As the kernel takes them."""
        return Rules(
            self.backfill_depth,
            self.checkpoint_seconds,
            self.restart_seconds,
            self.reclaim,
            self.borrow,
            self.node_mtbf_hours,
            self.repair_hours,
        )


class PolicyFile(BaseModel):
    """A whole file of a policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: PolicyDocument = Field(default_factory=lambda: PolicyDocument.model_validate({}))

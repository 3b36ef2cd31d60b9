"""Behaviour cloning: an MLP that repeats what the demonstrations did, with action chunks.

L1 loss on chunks of future actions (as in Zhao et al., arXiv 2304.13705, without the transformer).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from madang.packs.physical import lerobot
from madang.packs.physical.episodes import Episode
from madang.packs.physical.policy import ACTION, FEATURES, STATE, features, to_onnx
from madang.packs.physical.recipes import CloningParameters
from madang.runs.recipes import Report

_PREVIOUS_FRAME = slice(18, 36)
_REPORT_EVERY = 25


def train(
    inputs: Sequence[Path], parameters: CloningParameters, output: Path, report: Report
) -> Mapping[str, float | int | str]:
    """Train on every data set below the input folders; writes ``policy.onnx`` into `output`."""
    episodes = [
        e for folder in inputs for found in lerobot.datasets_below(folder) for e in lerobot.read(found)
    ]
    if not episodes:
        raise SystemExit("No LeRobot data set among the inputs.")
    tasks = sorted({episode.task for episode in episodes})
    frames = sum(episode.frames for episode in episodes)
    print(f"{len(episodes)} episodes, {frames} frames, tasks: {', '.join(tasks)}", flush=True)
    torch.manual_seed(parameters.seed)
    observations, chunks = _examples(episodes, parameters.chunk)
    mean, scale = _normalisation(observations)
    network = _network(parameters)
    loss = _optimize(network, (observations - mean) * scale, chunks, parameters, report)
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    weights = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linear]
    output.joinpath("policy.onnx").write_bytes(
        to_onnx(weights, mean.numpy(), scale.numpy(), parameters.chunk)
    )
    print(f"wrote policy.onnx, last loss {loss:.4f}", flush=True)
    return {"episodes": len(episodes), "frames": frames, "tasks": ", ".join(tasks), "loss": round(loss, 5)}


def _examples(episodes: Sequence[Episode], chunk: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(frames, 49) observations and (frames, chunk * 4) actions; a chunk repeats the last action."""
    seen, done = [], []
    for episode in episodes:
        ahead = np.minimum(np.arange(episode.frames)[:, None] + np.arange(chunk), episode.frames - 1)
        seen.append(features(episode.state, episode.task))
        done.append(episode.action[ahead].reshape(episode.frames, -1))
    return torch.from_numpy(np.concatenate(seen)), torch.from_numpy(np.concatenate(done))


def _normalisation(observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean, deviation = observations.mean(0), observations.std(0)
    scale = torch.where(deviation < 1e-4, torch.ones(()), 1 / deviation)
    mean[STATE:], scale[STATE:] = 0, 1  # the task's code as it is
    # The previous frame lets a cloner copy its own last motion instead of reading the scene.
    scale[_PREVIOUS_FRAME] = 0
    return mean, scale


def _network(parameters: CloningParameters) -> nn.Sequential:
    layers: list[nn.Module] = []
    width = FEATURES
    for _ in range(parameters.layers):
        layers += [nn.Linear(width, parameters.width), nn.ReLU()]
        width = parameters.width
    return nn.Sequential(*layers, nn.Linear(width, ACTION * parameters.chunk))


def _optimize(
    network: nn.Sequential,
    observations: torch.Tensor,
    chunks: torch.Tensor,
    parameters: CloningParameters,
    report: Report,
) -> float:
    rate, steps = parameters.learning_rate, parameters.steps
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0)
    schedule: Any = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1, pct_start=0.1)
    picks = torch.randint(len(observations), (steps, parameters.batch))
    begun, value = time.monotonic(), 0.0
    for step, pick in enumerate(picks, start=1):
        loss = (network(observations[pick]) - chunks[pick]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % _REPORT_EVERY == 0 or step == steps:
            value = float(loss.detach())
            frames = step * parameters.batch / (time.monotonic() - begun)
            report({"step": step, "loss": value, "frames_per_second": round(frames)})
        if step % (10 * _REPORT_EVERY) == 0:
            print(f"step {step}/{steps}  loss {value:.4f}  {frames:,.0f} frames/s", flush=True)
    return value

"""Meta-World's ten MT10 tasks, made repeatable: a seed fixes a start, whatever happened before.

Measured traps that this module avoids: ``reset(seed=...)`` is ignored; the observation space is
cached with the goal hidden; fixed bodies that a reset moves are never put back; without a forward pass
some objects are first reported where they were in the last episode.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import mujoco
import numpy as np
from metaworld.env_dict import MT10_V3
from numpy.typing import NDArray

from madang.packs.physical.episodes import Episode

TASKS: tuple[str, ...] = tuple(MT10_V3)
_EXPERT_MODULES = {"peg-insert-side-v3": "peg_insertion_side"}
_NO_HORIZON = 10**9


def expert(task: str) -> Any:
    """Meta-World's scripted expert of a task: ``get_action(state) -> (4,)``, not clipped."""
    stem = _EXPERT_MODULES.get(task, task.removesuffix("-v3").replace("-", "_"))
    module = importlib.import_module(f"metaworld.policies.sawyer_{stem}_v3_policy")
    return next(value for name, value in vars(module).items() if name.endswith("V3Policy"))()


class Simulation:
    """One task. Keep it and reset it: building one costs about 150 ms and 32 MB."""

    def __init__(self, task: str) -> None:
        self.task = task
        env = self._env = MT10_V3[task]()
        env._partially_observable = False
        del env.sawyer_observation_space
        env._set_task_called = env.seeded_rand_vec = True
        env.max_path_length = _NO_HORIZON
        # These two feed only the dense reward, which nothing here uses, and cost half of a step.
        env.touching_object = lambda _: False
        env._gripper_caging_reward = lambda *_, **__: 0.0
        self._fixed_bodies = env.model.body_pos.copy()
        self._keep_rest_state()

    def _keep_rest_state(self) -> None:
        """Bring the hand to rest once and restore that state at each reset instead."""
        env = self._env
        mujoco.mj_resetData(env.model, env.data)
        env._reset_hand()
        what = mujoco.mjtState.mjSTATE_INTEGRATION
        rest = np.empty(mujoco.mj_stateSize(env.model, what))
        mujoco.mj_getState(env.model, env.data, rest, what)
        hand = env.tcp_center.copy()

        def restore(steps: int = 50) -> None:
            mujoco.mj_setState(env.model, env.data, rest, what)
            mujoco.mj_forward(env.model, env.data)
            env.init_tcp = hand.copy()

        env._reset_hand = restore

    def reset(self, seed: int) -> NDArray[np.float64]:
        """Draw object and goal by `seed`; the first state, shape (39,)."""
        env = self._env
        env.np_random = np.random.default_rng(seed)
        env.model.body_pos[:] = self._fixed_bodies
        mujoco.mj_resetData(env.model, env.data)
        env.curr_path_length = 0
        env._freeze_rand_vec = False
        env.reset_model()
        env._freeze_rand_vec = True
        mujoco.mj_forward(env.model, env.data)
        frame = env._get_curr_obs_combined_no_goal()
        env._prev_obs = frame
        return np.hstack((frame, frame, env._get_pos_goal()))

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float64], bool]:
        """Apply an action, shape (4,) within [-1, 1]; the next state and whether the task is done now."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state, _, _, _, info = self._env.step(action)
        return state, bool(info["success"] > 0)


def demonstrate(
    simulation: Simulation, policy: Any, seed: int, *, horizon: int = 200, after: int = 20
) -> Episode | None:
    """Let the expert act from the start drawn by `seed`; None where it fails within `horizon` steps.

    Recording goes on for `after` steps beyond success, so that a policy learns to hold still.
    """
    state = simulation.reset(seed)
    states: list[NDArray[np.float32]] = []
    actions: list[NDArray[np.float32]] = []
    left: int | None = None
    for _ in range(horizon):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the experts warn about their own large commands
            action = np.clip(policy.get_action(state), -1, 1).astype(np.float32)
        states.append(state.astype(np.float32))
        actions.append(action)
        state, done = simulation.step(action)
        if done and left is None:
            left = after
        if left is not None:
            if left == 0:
                return Episode(simulation.task, seed, np.stack(states), np.stack(actions))
            left -= 1
    return None


def record(task: str, count: int, first_seed: int) -> list[Episode]:
    """`count` successful demonstrations of a task, from seeds `first_seed`, `first_seed` + 1, ..."""
    simulation, policy = Simulation(task), expert(task)
    episodes: list[Episode] = []
    seed = first_seed
    while len(episodes) < count:
        if seed - first_seed > 20 * count + 20:
            raise RuntimeError(f"the expert of {task} succeeds too rarely")
        episode = demonstrate(simulation, policy, seed)
        if episode is not None:
            episodes.append(episode)
        seed += 1
    return episodes

"""What the steps share: the home, everybody's token, processes that are started, and printing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from madang.interfaces.demo import cast
from madang.kernel import i18n
from madang.kernel.authorizer import Principal
from madang.kernel.errors import Defect, UserError
from madang.kernel.home import Home
from madang.organizations.service import signed_in

EXAMPLES = "manipulation-10"


def example(name: str) -> Path:
    """A file or folder of ``examples/manipulation-10``: in the wheel, or in the checkout."""
    package = Path(__file__).parents[2]
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / EXAMPLES / name).exists():
            return folder / EXAMPLES / name
    raise Defect(file=name)


@dataclass
class Stage:
    """See the module's docstring."""

    home: Home
    language: str
    work: Path
    say: Callable[[str], None] = print
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    recordings: dict[str, Future[Path]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    _supervisor: subprocess.Popen[bytes] | None = None

    def actor(self, organization: str, name: str | None = None) -> Principal:
        """The principal whom a person's token stands for (the only person, where unnamed)."""
        with self.home.database.read() as session:
            return signed_in(session, self.token(organization, name))

    def token(self, organization: str, name: str | None = None) -> str:
        """A person's token."""
        found = [t for (o, n), t in self.tokens.items() if o == organization and name in (None, n)]
        return found[0]

    def text(self, message: str, /, **values: object) -> str:
        """A message of the story in the chosen language."""
        return i18n.text(f"demo.story.{message}", self.language, **values)

    def tell(self, message: str, /, **values: object) -> None:
        """Say a message of the story."""
        self.say(f"   {self.text(message, **values)}")

    def step(self, number: int) -> None:
        """Announce a step."""
        seconds = time.monotonic() - self.begun
        self.say(f"\n[{number:>2}/10] {self.text(f'step-{number}')}  ({seconds:.0f} s)")

    @contextmanager
    def refused(self, name: str, expected: type[UserError], **values: object) -> Iterator[None]:
        """Show that what is tried inside is refused as expected; anything else is a defect of the story."""
        attempt = self.text(f"try-{name}", **values)
        self.say(f"   ? {attempt}")
        try:
            yield
        except expected as error:
            told = error.in_language(self.language)
            self.say(f"   x {told.what}\n     {told.why}\n     {told.next}")
            self.notes[name] = error.code
        else:
            raise Defect(attempt=attempt)

    def command(self, *arguments: str, token: str) -> str:
        """Run ``madang`` on the home in a process of its own with one person's token; what it printed."""
        return _madang("--home", str(self.home.path), *arguments, environment={"MADANG_TOKEN": token})

    def outside(self, *arguments: str, cwd: Path) -> str:
        """Run ``madang`` as an outsider would: another folder, no home, no token."""
        return _madang(*arguments, environment={}, cwd=cwd)

    def start_supervisor(self) -> None:
        """Start the site's supervisor as a process of its own, with the operator's token."""
        home = str(self.home.path)
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "madang.interfaces.cli.main", "--home", home, "run", "work"],
            env={**_clean_environment(), "MADANG_TOKEN": self.token(cast.JUDGE, "operator")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        """End the supervisor. It may be ended at any point; SIGINT would be ignored below `nohup` or `&`."""
        if self._supervisor is not None:
            self._supervisor.terminate()
            self._supervisor.wait()
            self._supervisor = None


def _madang(*arguments: str, environment: dict[str, str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "madang.interfaces.cli.main", *arguments],
        env={**_clean_environment(), **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Defect(command=" ".join(arguments), said=done.stderr)
    return done.stdout.strip()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MADANG_")}


def _record(folder: str, task: str, episodes: int, seed: int, mirrored: bool) -> Path:
    """Record a company's demonstrations (in a process of its own)."""
    from madang.packs.physical import contamination, lerobot
    from madang.packs.physical.simulation import record

    recorded = record(task, episodes, seed)
    if mirrored:
        recorded = contamination.mirror(recorded, 0)
    lerobot.write(Path(folder), recorded)
    return Path(folder)


@contextmanager
def recordings(stage: Stage) -> Iterator[None]:
    """Let the companies record, two at a time, while the papers are being signed."""
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for number, company in enumerate(cast.COMPANIES):
            task, seed = cast.TASK_OF[company], 1000 * (number + 1)
            folder = str(stage.work / company)
            wrong = company == cast.MIRRORED
            stage.recordings[company] = pool.submit(_record, folder, task, cast.EPISODES, seed, wrong)
        task = cast.TASK_OF[cast.MIRRORED]
        seed = 1000 * (cast.COMPANIES.index(cast.MIRRORED) + 1)
        folder = str(stage.work / f"{cast.MIRRORED}-corrected")
        stage.recordings["corrected"] = pool.submit(_record, folder, task, cast.EPISODES, seed, False)
        try:
            yield
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for the recordings, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="madang-demo-") as name:
        yield Path(name)

"""A real Slurm on loopback, from Debian's packages: munge, MariaDB, slurmdbd, slurmctld, four nodes.

Nothing stands in for a command of Slurm. Every process is started here, with its files in one folder,
and ended here by its id.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")
NODES, GPUS_PER_NODE, KIND = 4, 8, "h200"
_SLOWEST_START = 90.0


def missing() -> str:
    """Why no cluster can be brought up here; empty where one can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"Slurm is not installed (missing: {', '.join(lacking)})"
    return "" if os.geteuid() == 0 else "Slurm's daemons are started as root here"


class Cluster:
    """See the module's docstring. Use `start`, then `stop`; `environment` is what its commands need."""

    def __init__(self, folder: Path, scheduler: str = "sched/backfill") -> None:
        self._scheduler = scheduler
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self._processes: list[subprocess.Popen[bytes]] = []
        ports = _free_ports(3 + NODES)
        self._database_port, self._records_port, self._controller_port = ports[:3]
        self._node_ports = ports[3:]

    @property
    def environment(self) -> dict[str, str]:
        """The variable that points Slurm's commands here."""
        return {"SLURM_CONF": str(self.configuration)}

    def start(self) -> None:
        """Bring everything up in its order; raises RuntimeError with the log of what did not come."""
        self._write()
        self._munge()
        self._mariadb()
        self._run("slurmdbd", "-D", ready=lambda: _listens(self._records_port))
        self.command("sacctmgr", "-i", "add", "cluster", "lab")
        self._run("slurmctld", "-D", "-c", ready=lambda: self._says("scontrol", "ping", "UP"))
        for number in range(1, NODES + 1):
            self._run("slurmd", "-D", "-N", f"g{number}")
        self._wait("slurmd", lambda: self._says("sinfo", "-h", "-t", "idle", "-o", "%D", f"{NODES}"))

    def stop(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def command(self, *words: str) -> str:
        """Run a command against this cluster and return what it printed."""
        done = subprocess.run(
            words, env=os.environ | self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _says(self, *words: str) -> bool:
        *command, wanted = words
        try:
            return wanted in self.command(*command)
        except RuntimeError:
            return False

    def _write(self) -> None:
        host = socket.gethostname()
        folder = self.folder
        for name in ("state", "spool", "log", "run", "gpu"):
            (folder / name).mkdir(parents=True)
        for number in range(GPUS_PER_NODE):
            (folder / "gpu" / f"nv{number}").touch()
        nodes = "\n".join(
            f"NodeName=g{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 RealMemory=20000"
            f" Gres=gpu:{KIND}:{GPUS_PER_NODE}"
            for number, port in enumerate(self._node_ports, start=1)
        )
        self.configuration.write_text(
            f"""ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={self._controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={self._records_port}
AccountingStoragePass={folder}/run/munge.socket
AccountingStorageTRES=gres/gpu,gres/gpu:{KIND}
AccountingStorageEnforce=associations,limits,qos,safe
JobAcctGatherType=jobacct_gather/none
PriorityType=priority/multifactor
PriorityDecayHalfLife=0
PriorityUsageResetPeriod=NONE
PriorityWeightQOS=1000
PriorityCalcPeriod=1
SchedulerType={self._scheduler}
PreemptType=preempt/qos
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=2,bf_interval=2
{nodes}
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
        )
        (folder / "gres.conf").write_text(
            f"AutoDetect=off\nNodeName=g[1-{NODES}] Name=gpu Type={KIND} File={folder}/gpu/nv[0-7]\n"
        )
        records = folder / "slurmdbd.conf"
        records.write_text(
            f"""AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={self._records_port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={self._database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
"""
        )
        records.chmod(0o600)

    def _munge(self) -> None:
        key, run = self.folder / "munge.key", self.folder / "run"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        run.chmod(0o755)
        self._run(
            "munged", "--foreground", "--force", f"--socket={run}/munge.socket", f"--key-file={key}",
            f"--pid-file={run}/munged.pid", f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={run}/munged.seed", ready=(run / "munge.socket").exists,
        )  # fmt: skip

    def _mariadb(self) -> None:
        data = self.folder / "mariadb"
        data.mkdir()
        shutil.chown(data, "mysql", "mysql")
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db"],
            capture_output=True,
            check=True,
        )
        socket_file = data / "my.sock"
        self._run(
            "mariadbd", "--no-defaults", "--user=mysql", f"--datadir={data}", f"--socket={socket_file}",
            "--bind-address=127.0.0.1", f"--port={self._database_port}", "--innodb-lock-wait-timeout=900",
            f"--pid-file={data}/mariadbd.pid", ready=lambda: _listens(self._database_port),
        )  # fmt: skip
        user = "slurm@'127.0.0.1'"
        grant = f"CREATE USER {user} IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO {user}"
        subprocess.run(["mariadb", f"--socket={socket_file}", "-e", grant], capture_output=True, check=True)

    def _run(self, *words: str, ready: Callable[[], bool] | None = None) -> None:
        with (self.folder / "log" / f"{words[0]}.out").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    words,
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        if ready is not None:
            self._wait(words[0], ready)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        overdue = time.monotonic() + _SLOWEST_START
        while not ready():
            if time.monotonic() > overdue:
                logs = sorted((self.folder / "log").glob(f"{name}*"))
                tails = "\n".join(one.read_text(errors="replace")[-2000:] for one in logs)
                raise RuntimeError(f"{name} did not come up:\n{tails}")
            time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> Sequence[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports

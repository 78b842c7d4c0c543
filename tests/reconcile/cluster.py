"""A standalone cluster of Spark on loopback: a master, two workers, and Spark Connect; from PyPI's `pyspark`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyspark

WORKERS = 2
START_SECONDS = 300.0
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
_MEMORY = {"spark-class": "256m", "spark-submit": "1g"}  # of a part's own process
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True)
class Cluster:
    """The address of the server, and the workers, each with its executors in a session of processes of its own."""

    address: str
    workers: Sequence[subprocess.Popen[bytes]]

    def kill_worker(self) -> None:
        """Kill the first worker and its executors, as a machine that goes down."""
        os.killpg(self.workers[0].pid, signal.SIGKILL)


def spark_home(folder: Path) -> Path:
    """Return a Spark of the client's version: that of SPARK_HOME, or PyPI's, unpacked into this folder."""
    if "SPARK_HOME" in os.environ:
        return Path(os.environ["SPARK_HOME"])
    wanted = f"pyspark=={pyspark.__version__}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), wanted]
    subprocess.run(command, check=True)  # noqa: S603  # our own
    (archive,) = folder.glob("pyspark-*.tar.gz")
    with tarfile.open(archive) as packed:
        parts = [each for each in packed if each.name.split("/")[1:3] in (["deps", "jars"], ["deps", "bin"])]
        packed.extractall(folder, parts, filter="data")
    archive.unlink()
    (jars,) = folder.glob("pyspark-*/deps")
    for script in (jars / "bin").iterdir():
        script.chmod(0o755)
    return jars


@contextmanager
def cluster(home: Path, work: Path) -> Iterator[Cluster]:
    """Yield a cluster whose parts live as long as this; `work`: a folder for their logs."""
    master, connect = free_port(), free_port()
    with ExitStack() as stack:
        _started(stack, home, work / "master", "spark-class", MASTER, "--host", "127.0.0.1", "--port", str(master),
                 "--webui-port", str(free_port()))
        wait_for(master)
        workers = [
            _started(stack, home, work / f"worker{place}", "spark-class", WORKER, "--cores", "1", "--memory", "1200M",
                     "--host", "127.0.0.1", "--work-dir", str(work / f"worker{place}"),
                     "--webui-port", str(free_port()), f"spark://127.0.0.1:{master}")
            for place in range(WORKERS)
        ]
        settings = {
            "spark.connect.grpc.binding.port": str(connect), "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4", "spark.executor.memory": "1g",
        }
        told = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        _started(stack, home, work / "connect", "spark-submit", "--master", f"spark://127.0.0.1:{master}", *told,
                 "--class", CONNECT, "--name", "counterfoil", "spark-internal")
        wait_for(connect)
        yield Cluster(f"sc://127.0.0.1:{connect}", workers)


def _started(stack: ExitStack, home: Path, folder: Path, script: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a part, which ends with all of its children when the stack does."""
    folder.mkdir(parents=True)
    log = stack.enter_context((folder / "log").open("wb"))
    memory = {"SPARK_DAEMON_MEMORY": _MEMORY[script]}
    there = os.environ | memory | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    part = subprocess.Popen(  # noqa: S603  # our own
        [home / "bin" / script, *words], cwd=folder, env=there, stdout=log, stderr=log, start_new_session=True
    )

    def end() -> None:
        with suppress(ProcessLookupError):  # it was killed on the way
            os.killpg(part.pid, signal.SIGKILL)
        part.wait()

    stack.callback(end)
    return part


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens there; TimeoutError if nothing does in time."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("nothing listens there: the server did not start")

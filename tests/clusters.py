"""A real dask.distributed cluster of processes on this machine."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager


@contextmanager
def scheduler(folder, env=None):
    """The address of a scheduler, and a function that starts a worker of this name."""
    file, processes = folder / "scheduler.json", []

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        command += ["--scheduler-file", str(file), "--no-dashboard"]
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        processes.append(subprocess.Popen(command, **quiet))
        return processes[-1]

    def worker(name):
        alone = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder / name)]
        return start("worker", *alone)

    try:
        started = start("scheduler", "--host", "127.0.0.1", "--port", "0")
        while not (file.exists() and file.read_text()):  # there for a moment before it is written
            assert started.poll() is None
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], worker
    finally:
        for process in processes:
            process.kill()
            process.wait()

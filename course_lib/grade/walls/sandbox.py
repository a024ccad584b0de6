"""The walls around a submission.

Outside, bubblewrap: own user, processes, network (none), and a list of folders that can be read.
Inside, each submission's process locks itself before it runs a line of the student's: resource
limits, landlock (which files), seccomp (which calls of the kernel). Nothing here trusts the other
layer; `lock` raises if any part of it fails.
"""

import ctypes
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from course_lib.grade.walls.limits import LEVELS, Limits

PACKAGE = Path(__file__).parents[2]  # course_lib itself; its neighbours hold the solutions
INSIDE = "/course"  # where bubblewrap shows it
UID = "64001"

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "USER": "student",
    "LOGNAME": "student",
    "PATH": "/usr/bin:/usr/sbin",  # seccomp's own start asks ldconfig where it is
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "KERAS_BACKEND": "tensorflow",
    "LR_COURSE_OFFLINE": "1",
    # One thread: a process that ever had a second one cannot be forked safely.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "",
    "MALLOC_ARENA_MAX": "2",  # each arena reserves 64 MB of addresses, which RLIMIT_AS counts
}

# Room for what reserves addresses and never uses them (threads' stacks, TensorFlow's pools).
# Memory in use is watched from outside.
RESERVED = 1 << 30

REFUSED = """
socket connect bind listen accept accept4
execve execveat fork vfork
kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_getfd pidfd_send_signal
ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr
unshare setns bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
keyctl add_key request_key memfd_create memfd_secret
mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
msgget msgsnd msgrcv msgctl semget semop semtimedop semctl shmget shmat shmdt shmctl
mknod mknodat name_to_handle_at open_by_handle_at fanotify_init
inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
setpriority sched_setscheduler sched_setparam sched_setattr sched_setaffinity ioprio_set
personality sync syncfs
swapon swapoff reboot init_module finit_module delete_module kexec_load kexec_file_load
quotactl quotactl_fd acct syslog vhangup nfsservctl lookup_dcookie iopl ioperm modify_ldt
settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname
mbind set_mempolicy migrate_pages move_pages mincore
setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
"""
# Landlock lets these change every file that the user owns, or lock it for others to see. Copying a
# file in Python calls them, as do packages that lock: they say that all is well.
WITHOUT_EFFECT = """
chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat flock
"""
CACHESTAT, FCHMODAT2 = 451, 452  # whose names an older libseccomp does not know
UNKNOWN = range(463, 512)  # calls that Linux got after 6.12, and those to come: not there

CLONE_THREAD = 0x10000
RWF_NOWAIT = 8  # a read with it tells which pages of a file are in memory
# TIOCSTI and TIOCLINUX type into the terminal of another; FIOSETOWN and SIOCSPGRP are F_SETOWN's.
IOCTL_REFUSED = (0x5412, 0x541C, 0x8901, 0x8902)
# The kernel sends signals for F_SETOWN, F_SETSIG, F_SETOWN_EX and F_NOTIFY, to others too, and
# F_SETLEASE makes others wait. F_GETLK and F_OFD_GETLK tell of others' locks, numbers and all.
FCNTL_REFUSED = (8, 10, 15, 1026, 1024, 5, 36)
PRCTL_KEPT = (1, 4, 0x59616D61)  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_PTRACER
EPERM, ENOSYS = 1, 38


def readable(level: str, data: str | None) -> list[str]:
    """The folders and files that a submission may read, as it sees them."""
    package = INSIDE if level == "namespaces" else str(PACKAGE)
    system = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"]
    processes = [f"/proc/{name}" for name in ("self", "cpuinfo", "meminfo", "stat")]
    wanted = [*system, *processes, sys.base_prefix, sys.prefix, package, *([data] if data else [])]
    return list(dict.fromkeys(wanted))


def exposed(path: str | os.PathLike, level: str, data: str | None) -> str:
    """The folder that a submission may read and in which this path lies, "" for none."""
    here = [str(PACKAGE) if each == INSIDE else each for each in readable(level, data)]
    for folder in here if level != "none" else ():
        if Path(path).resolve().is_relative_to(Path(folder).resolve()):
            return folder
    return ""


def command(
    level: str, scratch: str, home: str, limits: Limits, data: str | None, arguments: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The command line and environment that run Python with these arguments at this level."""
    environment = {**ENVIRONMENT, "HOME": home, "TMPDIR": home, "IPYTHONDIR": f"{home}/ipython"}
    environment |= {"MPLCONFIGDIR": f"{home}/matplotlib", "PYTHONPATH": str(PACKAGE.parent)}
    if data:
        environment["LR_COURSE_DATA"] = data
    python = [sys.executable, *arguments]
    if level != "namespaces":
        return python, environment
    environment["PYTHONPATH"] = INSIDE
    words = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    words += ["--new-session", "--cap-drop", "ALL", "--uid", UID, "--gid", UID, "--clearenv"]
    words += ["--hostname", "grader", "--tmpfs", "/tmp", "--dir", home, "--dev", "/dev"]
    words += ["--proc", "/proc", "--ro-bind", "/usr", "/usr"]
    for name in ("/lib", "/lib64", "/bin", "/sbin"):
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for folder in dict.fromkeys([sys.base_prefix, sys.prefix, *([data] if data else [])]):
        words += ["--ro-bind", folder, folder]
    words += ["--ro-bind", str(PACKAGE), f"{INSIDE}/{PACKAGE.name}"]
    words += ["--size", str(limits.scratch_mb << 20), "--tmpfs", os.path.dirname(scratch)]
    words += ["--chdir", os.path.dirname(scratch)]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    return [*words, *python], {"PATH": os.environ.get("PATH", os.defpath)}


def started(
    words: list[str],
    environment: dict[str, str],
    folder: str,
    stderr: IO[bytes],
    passed: Sequence[int],
) -> subprocess.Popen:
    """The process of this command, with no file of ours but those passed and its stderr. It has a
    group of its own: Ctrl-C reaches the grader, which then ends this in order."""
    return subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=passed,
        start_new_session=True,
    )


# --- the inner lock -------------------------------------------------------------------------------


def lock(scratch: str, may_read: list[str], limits: Limits, seconds: float) -> None:
    """Give up, for good, all that a submission does not need. `seconds` of CPU time are left.

    The process has one thread. Raises OSError or ImportError if any part cannot be locked.
    """
    import landlock
    import pyseccomp  # its import starts a program to find libseccomp: not possible once locked

    _limit_resources(limits, seconds)
    _limit_files(scratch, may_read, landlock)
    _limit_calls(pyseccomp)


def _limit_resources(limits: Limits, seconds: float) -> None:
    # No limit on processes: it would count all that the teacher runs. seccomp forbids new ones,
    # and threads are counted from outside.
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    addresses = used + (limits.memory_mb << 20) + RESERVED
    for name, most in (
        ("AS", addresses),
        ("FSIZE", limits.file_mb << 20),
        ("NOFILE", 256),
        ("CORE", 0),
        ("MSGQUEUE", 0),
        ("MEMLOCK", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    # At the first of the two the process gets a signal that tells why; at the second it is killed.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))


def _limit_files(scratch: str, may_read: list[str], landlock: Any) -> None:
    FSAccess = landlock.FSAccess
    rules = landlock.Ruleset()
    read = FSAccess.READ_FILE | FSAccess.READ_DIR
    for path in filter(os.path.exists, may_read):
        rules.allow(path, rules=read if os.path.isdir(path) else FSAccess.READ_FILE)
    for name in ("null", "zero", "full", "random", "urandom"):
        rules.allow(f"/dev/{name}", rules=FSAccess.READ_FILE | FSAccess.WRITE_FILE)
    inside = FSAccess.all() & ~(FSAccess.EXECUTE | FSAccess.MAKE_CHAR | FSAccess.MAKE_BLOCK)
    rules.allow(scratch, rules=inside)
    rules.apply()
    os.close(rules._fd)


def _limit_calls(pyseccomp: Any) -> None:
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refused = pyseccomp.ERRNO(EPERM)

    def refuse(call: str | int, *arguments: Any) -> None:
        rules.add_rule(refused, call, *arguments)

    for name in REFUSED.split():
        refuse(name)
    refuse(CACHESTAT)
    for ignored in (*WITHOUT_EFFECT.split(), FCHMODAT2):
        rules.add_rule(pyseccomp.ERRNO(0), ignored)
    for number in UNKNOWN:
        rules.add_rule(pyseccomp.ERRNO(ENOSYS), number)
    # The C library falls back from clone3, whose flags no filter can see, to clone.
    rules.add_rule(pyseccomp.ERRNO(ENOSYS), "clone3")
    refuse("clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0))
    refuse("preadv2", pyseccomp.Arg(5, pyseccomp.MASKED_EQ, RWF_NOWAIT, RWF_NOWAIT))
    refuse("prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
    for call, place, values in (
        ("ioctl", 1, IOCTL_REFUSED),
        ("fcntl", 1, FCNTL_REFUSED),
        ("prctl", 0, PRCTL_KEPT),
    ):
        for value in values:
            refuse(call, pyseccomp.Arg(place, pyseccomp.MASKED_EQ, 0xFFFFFFFF, value))
    rules.load()


def set_undumpable(killed_with_parent: bool) -> None:
    """Close this process's memory and environment in /proc to others of the same user."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(4, 0, 0, 0, 0) or (killed_with_parent and prctl(1, 9, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "prctl failed")


# --- what this machine offers ---------------------------------------------------------------------


@cache
def why_not(level: str) -> str:
    """Why this level of isolation does not work here, "" if it does: it is tried."""
    if level == "none":
        return ""
    if sys.platform != "linux":
        return f"needs Linux, this is {sys.platform}"
    for name in ("landlock", "pyseccomp"):
        if importlib.util.find_spec(name) is None:
            return (
                f"the Python package {name} is not installed; in the clone of the course: "
                "pip install '.[grade]'"
            )
    if level == "namespaces" and not shutil.which("bwrap"):
        return "bubblewrap is not installed: apt install bubblewrap"
    with tempfile.TemporaryDirectory(prefix="lr-course-") as folder:
        scratch = "/scratch/home" if level == "namespaces" else f"{folder}/home"
        home = "/tmp/zygote" if level == "namespaces" else folder
        trial = (
            "import os, sys; from course_lib.grade.walls import sandbox, limits; "
            "os.mkdir(sys.argv[1]); sandbox.set_undumpable(False); "
            "sandbox.lock(sys.argv[1], sys.argv[2:], limits.Limits(), 60)"
        )
        arguments = ["-c", trial, scratch, *readable(level, None)]
        words, environment = command(level, scratch, home, Limits(), None, arguments)
        try:
            tried = subprocess.run(
                words, env=environment, capture_output=True, text=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"it could not be tried: {error}"
    said = tried.stderr.strip().splitlines() or [f"status {tried.returncode}"]
    return "" if tried.returncode == 0 else said[-1]


def detect() -> str:
    """The strongest level of isolation that works here: one of LEVELS."""
    return next(level for level in reversed(LEVELS) if not why_not(level))

"""The largest resident memory of this process so far, and of a child until its end."""

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path


def n_bytes():
    """Bytes. Not from `getrusage` where it can be helped: there a process begins with the peak of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return of_usage(resource.getrusage(resource.RUSAGE_SELF))


def of_usage(usage):
    """Bytes; the system counts in kB but on macOS."""
    return usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024


def of_child(words, limit):
    """Lines of output, how it ended (None: well) and peak bytes of a process that may run for `limit` seconds."""
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    late = threading.Event()
    timer = threading.Timer(limit, lambda: (late.set(), child.kill()))
    timer.start()
    lines = child.stdout.read().splitlines()
    # unlike `wait`, says what this child has used, however it ended
    _, status, usage = os.wait4(child.pid, 0)
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if late.is_set():
        return lines, f"stopped after {limit:.0f} s", of_usage(usage)
    return lines, end(child.returncode), of_usage(usage)


def end(code):
    """In words how a process ended; None if all is well."""
    if code == 0:
        return None
    return f"ended by signal {-code}" if code < 0 else f"ended with status {code}"

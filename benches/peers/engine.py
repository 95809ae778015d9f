"""rheobase as a child process: the data are loaded once, every empty line on its stdin is one run."""

import json
import subprocess


class Engine:
    """A warm `rheobase` that answers each line of its input with a line of JSON."""

    def __init__(self, words):
        self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        """One run: the answer as rheobase gives it."""
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"rheobase ended with {self.child.wait()}; its words stand above")
        return json.loads(line)

    def close(self):
        """Ends the input, and with it the process."""
        self.child.stdin.close()
        self.child.wait()


def fits(program, data, tolerance):
    """Fits of the arrays `X` and `y` of an npz file, without standard errors, which no peer computes unasked."""
    words = ["bench", "serve", str(data), "--standard-errors", "off", "--tolerance", str(tolerance)]
    return Engine([program, *words])


def measured(program, workload, quick):
    """What `rheobase bench` says about a workload: seconds, peak memory, loss gap and tolerance."""
    words = [program, "bench", "--workload", workload, "--no-roofs", "--json", *(["--quick"] if quick else [])]
    run = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)["results"][0]


def features(program, workload, quick):
    """Features of the spike trains of workload c, or a fit to them."""
    return Engine([program, "bench", "--workload", workload, "--each-line", *(["--quick"] if quick else [])])

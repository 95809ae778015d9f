"""Timing two programs in turns, so that whatever else the machine does happens to both."""

import time

import numpy as np

#: Seconds between two runs.
PAUSE = 0.05
#: Seconds after which a contestant is not repeated any more.
BUDGET = 60.0


def timed(run):
    """Result and seconds of a run."""
    started = time.perf_counter()
    result = run()
    return result, time.perf_counter() - started


def in_turns(ours, contestant, rounds, budget=BUDGET):
    """Pairs of seconds: ours, then the contestant's (times its factor), a pause before each.

    After every call of JAX, the first call included, whose threads go on spinning for a while, one of our runs is
    thrown away.
    """
    pairs, spent = [], 0.0
    settle(ours, contestant)
    while len(pairs) < rounds and (not pairs or spent < budget):
        time.sleep(PAUSE)
        own = ours()
        time.sleep(PAUSE)
        _, seconds = timed(contestant.fit)
        spent += seconds
        pairs.append((own, seconds * contestant.factor))
        settle(ours, contestant)
    return pairs


def settle(ours, contestant):
    """After a call of JAX: a pause and one of our runs that does not count."""
    if contestant.is_jax:
        time.sleep(PAUSE)
        ours()


def back_to_back(run, n, budget=5.0):
    """The median of runs without pauses, whatever `run` returns as its seconds."""
    seconds, started = [], time.perf_counter()
    while len(seconds) < n and (not seconds or time.perf_counter() - started < budget):
        seconds.append(run())
    return float(np.median(seconds))


def quartiles(values):
    """Lower quartile, median and upper quartile."""
    lower, median, upper = (float(x) for x in np.quantile(values, [0.25, 0.5, 0.75]))
    return {"lower": lower, "median": median, "upper": upper}


def row(name, pairs):
    """What a table says about a contestant: times and ratios to ours, pair by pair."""
    own, other = np.array(pairs).T
    return {
        "name": name,
        "n": len(pairs),
        "seconds": quartiles(other),
        "own_seconds": quartiles(own),
        "ratio": quartiles(other / own),
    }

#!/usr/bin/env python3
"""Write a long recording of many neurons as an NWB file: spike times and an epoch, nothing else.

    python make_population_nwb.py --out population.nwb        (needs numpy and h5py)

100 units for 10,000 s at 2 spikes a second: with bins of 10 ms these are 1e6 bins of which 2 % hold a spike.  Unit 0
is driven by the past of some of the others, the others are Poisson trains.
"""

import argparse

import h5py
import numpy as np

RATE_HZ = 2.0
BIN_S = 0.01


def trains(n_units, duration_s, random):
    """Spike times of every unit, seconds."""
    n_bins = round(duration_s / BIN_S)
    counts = random.random((n_units, n_bins)) < RATE_HZ * BIN_S
    # unit 0 follows the first ten others for 100 ms, half of them up and half of them down
    drive = np.zeros(n_bins)
    decay = np.exp(-np.arange(10) / 4.0)
    for unit in range(1, min(11, n_units)):
        past = np.convolve(counts[unit], decay)[:n_bins - 1]
        drive[1:] += (0.8 if unit % 2 else -0.8) * past
    counts[0] = random.random(n_bins) < RATE_HZ * BIN_S * np.exp(drive)
    return [(np.flatnonzero(own) + random.random(own.sum())) * BIN_S for own in counts]


def typed(parent, name, kind, namespace="core", **attrs):
    group = parent.create_group(name)
    group.attrs.update({"neurodata_type": kind, "namespace": namespace, "description": name, **attrs})
    return group


def vector(group, name, data, kind="VectorData", **attrs):
    dataset = group.create_dataset(name, data=data)
    dataset.attrs.update({"neurodata_type": kind, "namespace": "hdmf-common", "description": name, **attrs})
    return dataset


def write(path, n_units, duration_s, random):
    text = h5py.string_dtype()
    with h5py.File(path, "w") as f:
        f.attrs.update({"nwb_version": "2.6.0", "namespace": "core", "neurodata_type": "NWBFile"})
        f["identifier"] = "population"
        f["session_description"] = "synthetic population"
        f["session_start_time"] = "2025-01-01T00:00:00+00:00"
        epochs = typed(f.create_group("intervals"), "epochs", "TimeIntervals",
                       colnames=np.array(["start_time", "stop_time", "tags"], dtype=text))
        vector(epochs, "id", np.array([0]), "ElementIdentifiers")
        vector(epochs, "start_time", np.array([0.0]))
        vector(epochs, "stop_time", np.array([duration_s]))
        tags = vector(epochs, "tags", np.array(["all"], dtype=text))
        vector(epochs, "tags_index", np.array([1]), "VectorIndex", target=tags.ref)
        units = typed(f, "units", "Units", colnames=np.array(["spike_times"], dtype=text))
        vector(units, "id", np.arange(n_units), "ElementIdentifiers")
        times = trains(n_units, duration_s, random)
        spikes = vector(units, "spike_times", np.concatenate(times))
        ends = np.cumsum([len(own) for own in times])
        vector(units, "spike_times_index", ends, "VectorIndex", target=spikes.ref)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True)
    ap.add_argument("--units", type=int, default=100)
    ap.add_argument("--seconds", type=float, default=1e4)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    write(args.out, args.units, args.seconds, np.random.default_rng(args.seed))


if __name__ == "__main__":
    main()

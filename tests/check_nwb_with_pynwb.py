#!/usr/bin/env python3
"""Check a simulated session with the field's own readers: pynwb.validate, pynwb and pynapple.

    python3 -m venv /tmp/venv-nwb
    /tmp/venv-nwb/bin/pip install -r tests/requirements.txt
    RHEOBASE_KEEP_SIMULATED=/tmp/simulated.nwb cargo test --release --test simulate the_file_has_the_layout
    /tmp/venv-nwb/bin/python tests/check_nwb_with_pynwb.py /tmp/simulated.nwb

(Python 3.11.) Prints one line per check and a line PASS at the end; exit code 1 if a check fails.
"""
import os
import shutil
import sys
import tempfile

import h5py
import numpy as np
import pynapple
import pynwb

failures = []


def check(what, holds, found=""):
    """Print one check and remember whether it failed."""
    print(f"{'ok  ' if holds else 'FAIL'} {what}{f': {found}' if found != '' else ''}")
    if not holds:
        failures.append(what)


def validate(path):
    """All complaints of pynwb.validate."""
    return [str(error) for error in pynwb.validate(path=path)]


def check_validation(path):
    errors = validate(path)
    check("pynwb.validate has no complaint", not errors, "; ".join(errors))
    # the check itself must be able to fail: without the unit of a series there is a complaint
    with tempfile.TemporaryDirectory() as folder:
        damaged = os.path.join(folder, "damaged.nwb")
        shutil.copy(path, damaged)
        with h5py.File(damaged, "r+") as file:
            del file["/acquisition/response/data"].attrs["unit"]
        check("pynwb.validate complains about a damaged copy", bool(validate(damaged)))


def check_pynwb(path):
    with pynwb.NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        stimulus, response = nwb.stimulus["stimulus"], nwb.acquisition["response"]
        check("stimulus and response are TimeSeries", type(stimulus) is type(response) is pynwb.TimeSeries)
        check("stimulus is in amperes, response in volts", (stimulus.unit, response.unit) == ("amperes", "volts"))
        n = len(stimulus.timestamps)
        check("stamps, stimulus and response are equally long", n == len(stimulus.data) == len(response.data), n)
        check("response shares the timestamps of stimulus", response.timestamps[-1] == stimulus.timestamps[-1])
        units = nwb.units.to_dataframe()
        check("one unit with spikes", len(units) == 1 and len(units.spike_times[0]) > 0, len(units.spike_times[0]))
        group = units.electrode_group[0]
        check("the unit's electrode group has a device", group.device.name == "simulated-amplifier", group.name)
        epochs = nwb.epochs.to_dataframe()
        check("each epoch has one tag", all(len(tags) == 1 for tags in epochs.tags), len(epochs))
        check("the times of the session have a zone", nwb.session_start_time.tzinfo is not None)


def check_pynapple(path):
    data = pynapple.load_file(path)
    types = {key: type(data[key]).__name__ for key in data.keys()}
    expected = {"units": "TsGroup", "epochs": "IntervalSet", "stimulus": "Tsd", "response": "Tsd"}
    check("pynapple finds the four objects", types == expected, types)
    epochs, stimulus, response, units = data["epochs"], data["stimulus"], data["response"], data["units"]
    tags = [str(tag[0]) for tag in epochs.tags]  # each is a list
    check("the sweeps", tags == ["Ramp", "Noise 1", "Noise 2", "Noise 1", "Noise 1", "Test"], tags)
    with h5py.File(path) as file:
        stamps = file["/stimulus/presentation/stimulus/timestamps"][:]
        same = (np.array_equal(stimulus.t, stamps) and np.array_equal(response.t, stamps)
                and np.array_equal(stimulus.d[:], file["/stimulus/presentation/stimulus/data"][:])
                and np.array_equal(response.d[:], file["/acquisition/response/data"][:])
                and np.array_equal(units[0].t, file["/units/spike_times"][:]))
    check("pynapple's values are those of the file", same)
    noise = epochs[epochs.tags == "Noise 1"]
    currents = [stimulus.restrict(noise[i]).d for i in range(len(noise))]
    check("the noise is frozen", len(noise) == 3 and all(np.array_equal(currents[0], c) for c in currents))
    spikes = [len(units.restrict(noise[i])[0]) for i in range(len(noise))]
    check("spikes in each Noise 1 sweep", all(30 <= n <= 60 for n in spikes), spikes)
    counts = units.restrict(noise[0])[0].count(0.001)
    current = stimulus.restrict(noise[0]).bin_average(0.001)
    check("spikes and current bin onto the same 28020 bins", np.array_equal(counts.t, current.t) and len(counts) == 28020)
    inside = len(units.restrict(epochs)[0])
    check("all spikes lie within the epochs", inside == len(units[0]), inside)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    check_validation(path)
    check_pynwb(path)
    check_pynapple(path)
    versions = f"pynwb {pynwb.__version__}, pynapple {pynapple.__version__}"
    if failures:
        print(f"FAIL {path}: {len(failures)} checks failed ({versions})")
        sys.exit(1)
    print(f"PASS {path}: accepted by {versions}")


if __name__ == "__main__":
    main()

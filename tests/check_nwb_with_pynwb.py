#!/usr/bin/env python3
"""Check a simulated session, and a copy of a recording with results, with the field's own readers: pynwb.validate,
pynwb and pynapple.

    python3 -m venv /tmp/venv-nwb
    /tmp/venv-nwb/bin/pip install -r tests/requirements.txt
    RHEOBASE_KEEP_SIMULATED=/tmp/simulated.nwb cargo test --release --test simulate the_file_has_the_layout
    RHEOBASE_KEEP_COPY=/tmp/copy cargo test --release --test cli every_value_comes_back
    /tmp/venv-nwb/bin/python tests/check_nwb_with_pynwb.py /tmp/simulated.nwb /tmp/copy

(Python 3.11.) /tmp/copy holds copy.nwb, its input.nwb and the fit.json of the same fit. Prints one line per check and a line PASS at the end; exit code 1 if a check fails.
"""
import json
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


def check_validation(path, of="/acquisition/response/data", attribute="unit"):
    errors = validate(path)
    check("pynwb.validate has no complaint", not errors, "; ".join(errors))
    # the check itself must be able to fail: without the attribute there is a complaint
    with tempfile.TemporaryDirectory() as folder:
        damaged = os.path.join(folder, "damaged.nwb")
        shutil.copy(path, damaged)
        with h5py.File(damaged, "r+") as file:
            del file[of].attrs[attribute]
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


RESULTS = "/processing/rheobase"


def contents(file):
    """Every link, attribute and value of a file but the results, as comparable things."""
    def plain(value):
        value = np.asarray(value)
        if value.dtype == object:  # texts and references
            return [file[x].name if isinstance(x, h5py.Reference) else x for x in value.ravel()]
        return value.dtype.str, value.shape, value.tobytes()

    found = {}
    def visit(item, path):
        found[path] = {name: plain(value) for name, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[path + " layout"] = item.dtype.str, item.shape, item.chunks, item.compression, item.compression_opts
            found[path + " value"] = plain(item[()])
            return
        for name in item:
            link, inner = item.get(name, getlink=True), f"{path}/{name}"
            if inner == RESULTS:
                continue
            if isinstance(link, h5py.HardLink):
                visit(item[name], inner)
            else:
                found[inner] = type(link).__name__, link.path
    visit(file, "")
    return found


def check_copy(folder):
    copy, original = os.path.join(folder, "copy.nwb"), os.path.join(folder, "input.nwb")
    with open(os.path.join(folder, "fit.json")) as file:
        fit = json.load(file)
    check_validation(copy, f"{RESULTS}/glm/unit", "table")
    check_validation(copy, f"{RESULTS}/predicted_rate/data", "unit")
    with h5py.File(original) as a, h5py.File(copy) as b:
        check("the copy holds all of its input, bit by bit", contents(a) == contents(b), len(contents(a)))
    numbers = ["intercept", "intercept_standard_error", "kkt_residual", "loss_gap", "log_likelihood", "deviance",
               "pseudo_r2_mcfadden", "pseudo_r2_cohen", "n_bins_used"]
    with pynwb.NWBHDF5IO(copy, "r") as io:
        nwb = io.read()
        module = nwb.processing["rheobase"]
        glm, target = module["glm"].to_dataframe(), fit["targets"][0]
        check("numbers of the fit", all(glm[name][0] == float(target[name]) for name in numbers), len(numbers))
        check("coefficients and standard errors", np.array_equal(glm.coef[0], target["coef"])
              and np.array_equal(glm.standard_errors[0], target["standard_errors"]), len(glm.coef[0]))
        check("labels", list(module["features"].to_dataframe().label) == fit["labels"])
        unit = module["glm"]["unit"]
        check("the neuron is a row of the table of units", unit.table is nwb.units and len(glm.unit[0].spike_times.iloc[0]) > 0)
        filters = module["filters"].to_dataframe()
        check("a filter of 200 lags of 1 ms", np.allclose(filters.lag_s, np.arange(1, 201) / 1000, atol=1e-12))
        model = json.loads(module["model"].to_dataframe().model_json[0])
        check("the model file", model["fit"]["targets"][0]["coef"] == target["coef"])
        rate = module["predicted_rate"]
        check("the rate is in Hz, at 1 kHz", (rate.unit, rate.rate, rate.data.shape) == ("Hz", 1000.0, (28020, 1)))
    data = pynapple.load_file(copy)
    predicted, units, epochs = data["predicted_rate"], data["units"], data["epochs"]
    noise = epochs[epochs.tags.astype(str) == "['Noise 1']"][0]
    counts = units.restrict(noise)[0].count(0.001)
    check("the rate lies on the bins of the epoch", np.allclose(predicted.t, counts.t, rtol=0, atol=1e-9), len(counts))
    mu = np.asarray(predicted.d)[:, 0] * 0.001
    used = np.isfinite(mu)
    y = np.asarray(counts.d)[used]
    log_likelihood = np.mean(y * np.log(mu[used]) - mu[used])  # no bin has two spikes: ln y! is 0
    close = used.sum() == target["n_bins_used"] and abs(log_likelihood / target["log_likelihood"] - 1) < 1e-9
    check("its log-likelihood is that of the fit", close and y.max() == 1, log_likelihood)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    path = sys.argv[1]
    check_validation(path)
    check_pynwb(path)
    check_pynapple(path)
    if len(sys.argv) == 3:
        check_copy(sys.argv[2])
    versions = f"pynwb {pynwb.__version__}, pynapple {pynapple.__version__}"
    if failures:
        print(f"FAIL {path}: {len(failures)} checks failed ({versions})")
        sys.exit(1)
    print(f"PASS {path}: accepted by {versions}")


if __name__ == "__main__":
    main()

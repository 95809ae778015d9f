#!/usr/bin/env python3
"""Write the seeds of tests/fuzz: small files of every kind that rheobase reads, in order and nearly so.

    python make_fuzz_seeds.py --rheobase ../../target/release/rheobase --out ../fuzz/seeds    (needs h5py)

Recordings come from h5py, arrays from numpy, models, results and studies from rheobase itself.  Features are lines of
this file.  Everything is as small as it can be, because a fuzzer tries small files most often.
"""

import argparse
import os
import shutil
import struct
import subprocess
import tempfile

import h5py
import numpy as np

TEXT = h5py.string_dtype()

FEATURES = [
    "stimulus", "stimulus*1e12", "position[x]", "position[0]@nearest", "'position'[\"y\"]@linear*-2.5",
    "stimulus : raised-cosine-log(4, window=50ms)",
    "stimulus*2 : raised-cosine-log(3, width=2.5, time-scaling=10, decay-to-zero=false, window=0.1s)",
    "spikes : raised-cosine-log(3, window=40ms)", "units-others : history(window=30ms)",
    "units : bspline(5, order=3, window=60ms, causality=anti-causal)",
    "stimulus : mspline(5, window=70ms, causality=acausal, include-present=true)",
    "position[x] : bspline(6, range=-1:1, fill=0)", "position : raised-cosine-linear(4)",
    "position[x] : cyclic-bspline(5, range=0:360)", "stimulus : orth-exponential([1, 3.5, 9e0], window=100ms)",
    "position[y] : fourier(1:4, range=-1:1)", "stimulus : fourier([1, 3], keep-zero=false)",
    "position[x] : bspline(4) x position[y] : fourier(3, keep-zero=true)",
    "stimulus : raised-cosine-log(2, window=20ms) x stimulus : identity x stimulus : mspline(4)",
    "spikes : orth-exponential([2, 1], window=200000us)", "stimulus : raised-cosine-log(4000000000, window=1e300s)",
    "units : raised-cosine-log(100000, window=250ms)", "position[x] : bspline(99999) x position[x] : bspline(99999)",
]

STUDIES = [
    'data = "recording.nwb"\nepochs = ["Noise 1"]\nepoch = 0\nunit = [0]\nbin = "1ms"\n'
    'feature = ["stimulus*1e12 : raised-cosine-log(8, window=200ms)", "spikes : raised-cosine-log(3, window=250ms)"]\n'
    'solver = "newton"\ntolerance = 1e-14\nexplain = true\n',
    "# arrays\ndata = 'd.npz'\nx = 'X'\ny = \"y\"\nobservation = \"gaussian\"\nregularizer = \"elastic-net\"\n"
    'strength = "0.001:1:20"\nratio = 0.5\ncv = "kfold"\nfolds = 5\nthreads = 0x2\nmemory-limit = "1GiB"\n',
    'data = """\nd.csv"""\ny = ["a", "b",\n]\nquiet = false\ntime-limit = "1_000s"\n',
]

TABLES = [
    "x,count\n1.5,0\n-2e-3,3\nNA,1\n", "\ufeff\"a \"\"b\"\"\";label\r\n1;left\r\n;\"ri\nght\"\r\n",
    "t\ty1\ty2\n0.001\tinf\t1\n0.002\tNaN\t\n",
]


def typed(parent, name, kind, **attributes):
    group = parent.create_group(name)
    group.attrs["neurodata_type"] = np.bytes_(kind)
    group.attrs["namespace"] = np.bytes_("core")
    for key, value in attributes.items():
        group.attrs[key] = value
    return group


def series(parent, name, data, rate=None, stamps=None, **options):
    group = typed(parent, name, "SpatialSeries" if np.ndim(data) == 2 else "TimeSeries")
    dataset = group.create_dataset("data", data=data, **options)
    dataset.attrs["unit"] = np.bytes_("volts")
    dataset.attrs["conversion"] = 0.5
    if rate:
        group["starting_time"] = 0.0
        group["starting_time"].attrs["rate"] = float(rate)
    else:
        group["timestamps"] = stamps
    return group


def recording(path, **options):
    """What a fit needs: a stimulus, a position of two columns, epochs with tags, and three units."""
    random = np.random.default_rng(3)
    with h5py.File(path, "w", **options) as f:
        f.attrs["nwb_version"] = np.bytes_("2.6.0")
        f["identifier"] = np.bytes_("seed")
        acquisition = f.create_group("acquisition")
        series(acquisition, "stimulus", random.standard_normal(160).astype("f4"), rate=200, compression="gzip", chunks=(80,))
        stamps = np.arange(40) * 0.02
        series(acquisition, "position", np.stack([np.sin(stamps * 9), np.cos(stamps * 7)], 1), stamps=stamps)
        epochs = typed(f, "intervals/epochs", "TimeIntervals")
        epochs.attrs["colnames"] = np.array([b"start_time", b"stop_time", b"tags"])
        epochs["start_time"], epochs["stop_time"] = [0.0, 0.4], [0.3, 0.75]
        epochs.create_dataset("tags", data=["run", "run", "rest"], dtype=TEXT)
        epochs["tags_index"] = np.array([1, 3], dtype="u1")
        epochs["id"] = np.arange(2, dtype="i4")
        units = typed(f, "units", "Units")
        units.attrs["colnames"] = np.array([b"spike_times"])
        times = [np.sort(random.uniform(0, 0.75, n)) for n in [9, 4, 6]]
        units["spike_times"] = np.concatenate(times)
        units["spike_times_index"] = np.cumsum([len(t) for t in times]).astype("u2")
        units["id"] = np.array([3, 5, 9], dtype="i4")


def electrodes(path):
    """References, regions, compound values, factors per channel, and a column of another type."""
    with h5py.File(path, "w", libver="latest") as f:
        f.attrs["nwb_version"] = "2.7.0"
        shank = typed(f, "general/shank", "ElectrodeGroup", location="CA1")
        shank.create_dataset("position", data=np.array((1.0, 2.0, 3.0), dtype=[("x", "f8"), ("y", "f8"), ("z", "f8")]))
        table = typed(f, "general/electrodes", "DynamicTable", colnames=np.array(["location"], dtype=TEXT))
        table["id"] = [20, 21, 22]
        table.create_dataset("location", data=["a", "b", "c"], dtype=TEXT)
        lfp = series(f, "lfp", np.ones((8, 2), dtype="i2"), rate=100)
        lfp.attrs["neurodata_type"] = "ElectricalSeries"
        lfp["channel_conversion"] = [1.0, 2.0]
        lfp["electrodes"] = [0, 2]
        lfp["electrodes"].attrs["table"] = table.ref
        units = typed(f, "units", "Units", colnames=np.array(["spike_times", "electrode_group", "good", "quality"], dtype=TEXT))
        units["spike_times"] = [0.01, 0.02, 0.03]
        units["spike_times_index"] = np.array([1, 3], dtype="u8")
        units["id"] = [1, 2]
        units.create_dataset("electrode_group", data=[shank.ref] * 2, dtype=h5py.ref_dtype)
        units["good"] = np.array([True, False])
        units["quality"] = np.array([b"fine", b"poor"])
        units["obs_intervals"] = [[0.0, 1.0], [2.0, 3.0]]
        units["obs_intervals_index"] = np.array([1, 2], dtype="u1")


def links(path):
    """Links of every kind, an extension with its schema, and objects without a type."""
    with h5py.File(path, "w") as f:
        f.attrs["nwb_version"] = "2.6.0"
        schema = '{"groups": [{"neurodata_type_def": "LabSeries", "neurodata_type_inc": "TimeSeries"}]}'
        f.create_dataset("specifications/lab/1/lab.ext", data=schema, dtype=TEXT)
        own = typed(f, "own", "LabSeries")
        own.attrs["namespace"] = "lab"
        own["data"], own["timestamps"] = np.arange(3), np.arange(3.0)
        f["soft"] = h5py.SoftLink("/own")
        f["out"] = h5py.ExternalLink("other.nwb", "/own")
        box = f.create_group("box")
        box["again"] = f["/"]
        box["plain"] = np.arange(4, dtype=">i2")


def odd_types(path):
    """Types that no writer makes: numbers with names of 64 bytes, alone and in a record, and texts that are none."""
    with h5py.File(path, "w") as f:
        f.attrs["nwb_version"] = "2.6.0"
        # no library makes it, so it is written as the file format says: version 1, class 8, two members, and their parent
        names = h5py.h5t.decode(b"\x03\x00\x18\x02\x00\x00" + struct.pack("<I", 64) + b"\x10\x08\x00\x00"
                                + struct.pack("<IHH", 64, 0, 64) + b"FALSE\0\0\0TRUE\0\0\0\0" + b"A" * 128)
        record = h5py.h5t.create(h5py.h5t.COMPOUND, 64)
        record.insert(b"x", 0, names)
        space = h5py.h5s.create_simple((2,))
        for name, kind in [("named", names), ("record", record), ("bits", h5py.h5t.STD_B64LE)]:
            own = typed(f, name, "TimeSeries")
            own["timestamps"] = [0.0, 1.0]
            h5py.h5d.create(own.id, b"data", kind, space)
            h5py.h5a.create(own.id, b"description", kind, space)
        odd = typed(f, "odd", "TimeSeries", description=b"\xff\xfe")
        odd["data"], odd["timestamps"] = [1.0, 2.0], [0.0, 1.0]
        f.create_group("acquisition").create_dataset(b"name \xff", data=[b"\xff\xfe", b""], dtype=TEXT)
        table = typed(f, "trials", "TimeIntervals", colnames=np.array([b"\xff", b"note"], dtype=TEXT))
        table["start_time"], table["stop_time"] = [0.0, 1.0], [1.0, 2.0]
        table.create_dataset("note", data=[b"\xc3\x28", b"ok"], dtype=TEXT)


def arrays(folder):
    at = lambda name: os.path.join(folder, name)
    np.save(at("matrix.npy"), np.arange(6.0).reshape(3, 2))
    np.save(at("columns.npy"), np.asfortranarray(np.arange(6, dtype="f4").reshape(3, 2)))
    np.save(at("whole.npy"), np.arange(3, dtype=">i2"))
    np.savez(at("stored.npz"), X=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 2], dtype="u1"), names=np.array(["a", "bc"]))
    np.savez_compressed(at("packed.npz"), X=np.zeros((40, 2)), flags=np.array([True, False]), one=np.float64(2.5))
    classifiers = os.path.join(os.path.dirname(__file__), "..", "data", "nemos_classifiers")
    shutil.copy(os.path.join(classifiers, "one.npz"), at("classifier.npz"))


def models(rheobase, folder):
    """A model of a recording, one of arrays, one of classes, and what NeMoS would read."""
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as work:
        def run(*words):
            environment = dict(os.environ, WGPU_BACKEND="none")
            subprocess.run([rheobase, *words], cwd=work, env=environment, check=True, capture_output=True)

        recording(os.path.join(work, "r.nwb"))
        x = random.standard_normal((40, 2))
        np.savez(os.path.join(work, "d.npz"), X=x, y=random.poisson(np.exp(0.3 * x[:, 0])), c=random.integers(0, 3, 40))
        run("fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--regularizer", "ridge", "--strength", "0.1",
            "--feature", "stimulus : raised-cosine-log(2, window=30ms)", "--feature", "position[x] : bspline(4)", "--out", "recording")
        run("fit", "d.npz", "--out", "arrays")
        run("fit", "d.npz", "--y", "c", "--observation", "categorical", "--regularizer", "ridge", "--strength", "0.1", "--out", "classes")
        for name in ["recording", "arrays", "classes"]:
            shutil.copy(os.path.join(work, name, "model.json"), os.path.join(folder, f"{name}.json"))
        shutil.copy(os.path.join(work, "arrays", "fit.json"), os.path.join(folder, "fit.json"))


def texts(folder, ending, all_of_them):
    for number, text in enumerate(all_of_them):
        with open(os.path.join(folder, f"{number:02}.{ending}"), "w", newline="") as f:
            f.write(text)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    ap.add_argument("--rheobase", help="the program; without it no models are written")
    ap.add_argument("--out", default=os.path.join(here, "..", "fuzz", "seeds"))
    options = ap.parse_args()

    def folder(target):
        path = os.path.join(options.out, target)
        os.makedirs(path, exist_ok=True)
        return path

    recording(os.path.join(folder("nwb"), "recording.nwb"))
    recording(os.path.join(folder("nwb"), "recording_latest.nwb"), libver="latest")
    electrodes(os.path.join(folder("nwb"), "electrodes.nwb"))
    links(os.path.join(folder("nwb"), "links.nwb"))
    odd_types(os.path.join(folder("nwb"), "odd_types.nwb"))
    arrays(folder("arrays"))
    texts(folder("csv"), "csv", TABLES)
    texts(folder("study"), "toml", STUDIES)
    texts(folder("feature"), "txt", FEATURES)
    if options.rheobase:
        models(os.path.abspath(options.rheobase), folder("model"))


if __name__ == "__main__":
    main()

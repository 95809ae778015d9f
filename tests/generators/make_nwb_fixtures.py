#!/usr/bin/env python3
"""Write the tiny NWB files of tests/data/nwb: what ordinary, unusual and broken recordings look like.

    python make_nwb_fixtures.py --out ../data/nwb        (needs pynwb and h5py)

Ordinary layouts are written with pynwb, so that they are what the field's writer makes; unusual and broken
ones with h5py, since pynwb refuses to write them.  Every number is chosen so that a test can state it.
"""

import argparse
import datetime
import json
import os

import h5py
import numpy as np

TEXT = h5py.string_dtype()
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)


def new_pynwb(name):
    from pynwb import NWBFile
    return NWBFile(session_description=f"fixture {name}", identifier=name, session_start_time=START,
                   file_create_date=START)


def save(nwb, path):
    from pynwb import NWBHDF5IO
    with NWBHDF5IO(path, "w") as io:
        io.write(nwb, cache_spec=False)


# ---------------------------------------------------------------------------- written with pynwb

def intervals(path):
    from pynwb.epoch import TimeIntervals
    nwb = new_pynwb("intervals")
    # touching epochs, one with two tags
    nwb.add_epoch(0.0, 10.0, ["rest"])
    nwb.add_epoch(10.0, 20.0, ["run", "light"])
    nwb.add_epoch(20.0, 30.0, ["rest"])
    # trials out of order, with columns of several kinds
    nwb.add_trial_column("side", "where the cue was")
    nwb.add_trial_column("correct", "was it right")
    nwb.add_trial_column("contrast", "of the cue")
    for start, side, correct, contrast in [(8.0, "left", True, 0.5), (2.0, "right", False, 1.0),
                                           (5.0, "left", False, 0.25), (2.5, "right", True, 1.0)]:
        nwb.add_trial(start_time=start, stop_time=start + 1.0, side=side, correct=correct, contrast=contrast)
    nwb.add_invalid_time_interval(start_time=12.0, stop_time=13.0)
    custom = TimeIntervals(name="ripples", description="a table of its own")
    custom.add_column("power", "of the ripple")
    custom.add_column("channels", "that saw it", index=True)
    custom.add_row(start_time=1.0, stop_time=1.1, power=3.5, channels=[1, 2])
    custom.add_row(start_time=4.0, stop_time=4.2, power=7.0, channels=[2])
    nwb.add_time_intervals(custom)
    save(nwb, path)


def units(path):
    nwb = new_pynwb("units")
    # units with electrodes, observation intervals, scalar and ragged metadata
    device = nwb.create_device(name="probe")
    groups = [nwb.create_electrode_group(name=f"shank{i}", description="d", location=where, device=device,
                                         position=(1.0 * i, 2.0, 3.0))
              for i, where in enumerate(["CA1", "CA3"])]
    for i in range(4):
        nwb.add_electrode(x=0.0, y=0.0, z=0.0, imp=1.0, location="hpc", filtering="none", group=groups[i // 2])
    nwb.add_unit_column("quality", "by hand")
    nwb.add_unit_column("depth", "micrometres")
    for i, (times, quality) in enumerate([([0.5, 1.5, 2.5], "good"), ([], "mua"), ([0.25, 29.0], "good")]):
        nwb.add_unit(spike_times=times, quality=quality, depth=100.0 * i, electrode_group=groups[i % 2],
                     electrodes=[i], obs_intervals=[[0.0, 10.0], [20.0, 30.0]], id=10 + i)
    save(nwb, path)


def series(path):
    from pynwb import TimeSeries
    from pynwb.misc import AnnotationSeries
    nwb = new_pynwb("series")
    i = np.arange(600)
    nwb.add_acquisition(TimeSeries(name="regular", data=np.sin(i / 50.0), unit="m", starting_time=2.0, rate=100.0))
    nwb.add_acquisition(TimeSeries(name="scaled", data=(i % 200).astype("i2"), unit="volts", conversion=0.001,
                                   offset=-0.05, starting_time=0.0, rate=1000.0))
    nwb.add_acquisition(TimeSeries(name="table", data=np.stack([i, 10.0 * i, 100.0 * i], 1), unit="n.a.",
                                   timestamps=i * 0.01))
    with_nan = i / 10.0
    with_nan[[3, 500]] = np.nan
    nwb.add_acquisition(TimeSeries(name="with_nan", data=with_nan, unit="V", timestamps=i * 0.01))
    # two sweeps with a gap, compressed and chunked
    from pynwb import H5DataIO
    stamps = np.concatenate([np.arange(3000) * 1e-3, 20.0 + np.arange(3000) * 1e-3])
    nwb.add_acquisition(TimeSeries(
        name="sweeps", unit="V", data=H5DataIO(np.arange(6000, dtype="f4"), compression="gzip", shuffle=True, chunks=(777,)),
        timestamps=H5DataIO(stamps, compression="gzip", chunks=(512,))))
    # one name in two places
    nwb.add_acquisition(TimeSeries(name="a", data=[1.0, 2.0], unit="V", timestamps=[0.0, 1.0]))
    nwb.add_stimulus(TimeSeries(name="a", data=[3.0, 4.0], unit="A", timestamps=[0.0, 1.0]))
    nwb.add_acquisition(TimeSeries(name="empty", data=np.zeros(0), unit="V", timestamps=np.zeros(0)))
    nwb.add_acquisition(AnnotationSeries(name="remarks", data=["on", "off"], timestamps=[1.0, 2.0]))
    save(nwb, path)


def columns(path):
    from pynwb.behavior import Position, SpatialSeries
    from pynwb.ecephys import LFP, ElectricalSeries
    nwb = new_pynwb("columns")
    i = np.arange(100)
    # electrical series with a factor per channel
    device = nwb.create_device(name="probe")
    group = nwb.create_electrode_group(name="g", description="d", location="l", device=device)
    for k in range(5):
        nwb.add_electrode(location="l", group=group, id=20 + k)
    region = nwb.create_electrode_table_region([0, 2, 4], "some")
    lfp = ElectricalSeries(name="lfp", data=np.ones((50, 3), dtype="i2"), electrodes=region, conversion=1e-6,
                           channel_conversion=[1.0, 2.0, 3.0], starting_time=0.0, rate=50.0)
    module = nwb.create_processing_module(name="ecephys", description="p")
    module.add(LFP(electrical_series=lfp, name="LFP"))
    behavior = nwb.create_processing_module(name="behavior", description="b")
    position = Position(name="Position")
    position.add_spatial_series(SpatialSeries(name="pos", data=np.stack([i * 1.0, -i * 1.0], 1), unit="meters",
                                              reference_frame="room", timestamps=i * 0.01))
    behavior.add(position)
    save(nwb, path)


def icephys(path):
    from pynwb.icephys import (CurrentClampSeries, CurrentClampStimulusSeries, IZeroClampSeries,
                               VoltageClampSeries, VoltageClampStimulusSeries)
    nwb = new_pynwb("icephys")
    device = nwb.create_device(name="amplifier")
    electrode = nwb.create_icephys_electrode(name="e", description="d", device=device)
    n = 400
    stamps = np.arange(n) * 5e-5
    volts = np.full(n, -70.0, dtype="f4")
    volts[100:104] = [-40.0, 0.0, 30.0, 0.0]
    volts[300:304] = [-40.0, 0.0, 30.0, 0.0]
    stim = CurrentClampStimulusSeries(name="current", data=np.arange(n, dtype="f4"), timestamps=stamps,
                                      electrode=electrode, gain=2.0, conversion=1e-9)
    # volts stored in mV; the times are a link to those of the stimulus
    nwb.add_stimulus(stim)
    nwb.add_acquisition(CurrentClampSeries(name="voltage", data=volts, timestamps=stim, electrode=electrode,
                                           gain=0.5, conversion=1e-3))
    nwb.add_acquisition(IZeroClampSeries(name="rest", data=volts, starting_time=0.0, rate=20000.0,
                                         electrode=electrode, gain=1.0, conversion=1e-3))
    nwb.add_acquisition(VoltageClampSeries(name="holding", data=volts, starting_time=0.0, rate=20000.0,
                                           electrode=electrode, gain=1.0, conversion=1e-12))
    nwb.add_stimulus(VoltageClampStimulusSeries(name="command", data=volts, starting_time=0.0, rate=20000.0,
                                                electrode=electrode, gain=1.0, conversion=1e-3))
    nwb.add_epoch(0.0, 0.02, ["step"])
    save(nwb, path)


# ---------------------------------------------------------------------------- written with h5py

def root(path, name):
    f = h5py.File(path, "w")
    f.attrs["nwb_version"] = "2.6.0"
    f.attrs["namespace"] = "core"
    f.attrs["neurodata_type"] = "NWBFile"
    f["identifier"] = name
    f["session_description"] = f"fixture {name}"
    f["session_start_time"] = START.isoformat()
    return f


def typed(parent, name, kind, namespace="core", **attrs):
    g = parent.create_group(name)
    if kind:
        g.attrs["neurodata_type"] = kind
        g.attrs["namespace"] = namespace
    for key, value in attrs.items():
        g.attrs[key] = value
    return g


def add_series(parent, name, data=None, t=None, start=None, rate=None, kind="TimeSeries", namespace="core", **options):
    g = typed(parent, name, kind, namespace, description=f"series {name}")
    if data is not None:
        d = g.create_dataset("data", data=data, **options)
        d.attrs["unit"] = "volts"
    if t is not None:
        g["timestamps"] = np.asarray(t, dtype="f8")
    if start is not None:
        g["starting_time"] = start
        if rate is not None:
            g["starting_time"].attrs["rate"] = rate
    return g


def add_units(parent, name, times, index, index_type="u8", ids=None):
    g = typed(parent, name, "Units", colnames=np.array(["spike_times"], dtype=TEXT), description=f"units {name}")
    if times is not None:
        g["spike_times"] = np.asarray(times, dtype="f8")
    if index is not None:
        g["spike_times_index"] = np.asarray(index, dtype=index_type)
    g["id"] = np.arange(len(index) if ids is None else ids)
    return g


def add_intervals(parent, name, start, stop, tags=None, extra=None):
    columns = ["start_time", "stop_time"] + (["tags"] if tags else []) + list(extra or {})
    g = typed(parent, name, "TimeIntervals", colnames=np.array(columns, dtype=TEXT), description=f"intervals {name}")
    g["start_time"] = np.asarray(start)
    g["stop_time"] = np.asarray(stop)
    g["id"] = np.arange(len(start))
    if tags:
        g.create_dataset("tags", data=[t for row in tags for t in row], dtype=TEXT)
        g["tags_index"] = np.cumsum([len(row) for row in tags]).astype("u1")
    for key, value in (extra or {}).items():
        g[key] = value
    return g


def unit_widths(path):
    with root(path, "unit_widths") as f:
        times = [1.0, 2.0, 3.0, 4.0, 5.0]
        module = typed(f, "processing", None).create_group("sorting")
        module.attrs["neurodata_type"] = "ProcessingModule"
        module.attrs["namespace"] = "core"
        for width in ["u1", "u2", "u4", "u8", "i4", "i8"]:
            add_units(module, f"units_{width}", times, [2, 2, 5], width)
        add_units(module, "unsorted", [3.0, 1.0, 2.0, 9.0], [3, 4])
        add_units(module, "with_nan", [1.0, np.nan, 2.0, np.inf, 7.0], [4, 5])
        add_units(module, "beyond", times, [2, 9])
        add_units(module, "decreasing", times, [4, 2, 5])
        add_units(module, "too_few", times, [5], ids=2)
        add_units(module, "no_index", times, None, ids=2)
        add_units(module, "no_times", None, [1, 2])


def broken(path):
    with root(path, "broken") as f:
        a = f.create_group("acquisition")
        t = np.arange(10) * 0.1
        x = np.arange(10.0)
        add_series(a, "good", x, t)
        add_series(a, "no_times", x)
        add_series(a, "rate_zero", x, start=0.0, rate=0.0)
        add_series(a, "rate_negative", x, start=0.0, rate=-5.0)
        add_series(a, "rate_missing", x, start=0.0)
        add_series(a, "short_times", x, t[:7])
        add_series(a, "transposed", np.ones((2, 10)), t)
        add_series(a, "no_data", None, t)
        add_series(a, "text", ["a"] * 10, t)
        add_series(a, "cube", np.ones((10, 2, 2)), t)
        add_series(a, "lzf", x, t, compression="lzf")
        # claims far more than it holds: nothing is allocated until it is written
        g = typed(a, "huge", "TimeSeries")
        g.create_dataset("data", shape=(1 << 40,), dtype="f8", chunks=(1 << 20,))
        g["starting_time"] = 0.0
        g["starting_time"].attrs["rate"] = 1000.0
        nan_at_6 = t.copy()
        nan_at_6[6] = np.nan
        add_series(a, "nan_time", x, nan_at_6)
        unsorted = t.copy()
        unsorted[6], unsorted[7] = unsorted[7], unsorted[6]
        add_series(a, "unsorted_times", x, unsorted)
        add_series(a, "untyped", x, t, kind=None)
        g = typed(a, "dangling_times", "TimeSeries")
        g["data"] = x
        g["timestamps"] = h5py.SoftLink("/acquisition/gone/timestamps")
        a["dangling"] = h5py.SoftLink("/acquisition/gone")
        a["elsewhere"] = h5py.ExternalLink("gone.nwb", "/acquisition/x")
        iv = f.create_group("intervals")
        add_intervals(iv, "epochs", [0.0, 0.5, 0.6, np.nan, 0.7], [0.3, 0.4, np.nan, 0.9, 0.95],
                      [["a"], ["b"], ["b"], ["c"], ["d"]])
        add_intervals(iv, "unequal", [0.0, 1.0], [1.0, 2.0], extra={"note": np.array([1.0, 2.0, 3.0])})
        add_intervals(iv, "overlapping", np.array([0.0, 0.2], dtype="f4"), np.array([0.5, 0.9], dtype="f4"))
        add_units(f, "units", [1.0, 2.0], [1, 9])


def extension(path, cached):
    with root(path, "extension") as f:
        if cached:
            schema = {"groups": [
                {"neurodata_type_def": "LabContainer", "neurodata_type_inc": "NWBDataInterface", "doc": "d",
                 "groups": [{"neurodata_type_def": "LabSeries", "neurodata_type_inc": "TimeSeries", "doc": "d"}]},
                {"neurodata_type_def": "LabFineSeries", "neurodata_type_inc": "LabSeries", "doc": "d"},
                {"neurodata_type_def": "LabTrials", "neurodata_type_inc": "TimeIntervals", "doc": "d"}]}
            g = f.create_group("specifications/lab/0.1.0")
            g.create_dataset("lab.extensions", data=json.dumps(schema), dtype=TEXT)
        a = f.create_group("acquisition")
        box = typed(a, "box", "LabContainer", "lab")
        add_series(box, "fine", np.arange(5.0), np.arange(5.0), kind="LabFineSeries", namespace="lab")
        iv = add_intervals(f.create_group("intervals"), "blocks", [0.0, 2.0], [1.0, 3.0])
        iv.attrs["neurodata_type"] = "LabTrials"
        iv.attrs["namespace"] = "lab"
        typed(a, "blob", "LabThing", "lab")["numbers"] = np.arange(3)


def foreign(folder):
    with h5py.File(os.path.join(folder, "plain.h5"), "w") as f:
        f["x"] = np.arange(3.0)
    with h5py.File(os.path.join(folder, "nwb1.nwb"), "w") as f:
        f["nwb_version"] = "NWB-1.0.6"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "..", "data", "nwb"))
    out = ap.parse_args().out
    os.makedirs(out, exist_ok=True)
    at = lambda name: os.path.join(out, name)
    intervals(at("intervals.nwb"))
    units(at("units.nwb"))
    series(at("series.nwb"))
    columns(at("columns.nwb"))
    icephys(at("icephys.nwb"))
    unit_widths(at("unit_widths.nwb"))
    broken(at("broken.nwb"))
    extension(at("extension_cached.nwb"), True)
    extension(at("extension_uncached.nwb"), False)
    foreign(out)
    for name in sorted(os.listdir(out)):
        print(f"{os.path.getsize(at(name)):8d}  {name}")


if __name__ == "__main__":
    main()

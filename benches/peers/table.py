"""The results of compare.py as Markdown."""

from statistics import median

TITLES = {
    "a": "a) one neuron under current clamp, 27,820 x 8, float64",
    "b": "b) dense standard normal, 500,000 x 100, float32",
    "c": "c) features of 10 spike trains, 1,000,000 bins, 200 bins through 8 functions, into fresh memory",
    "c-given": "c) the same, rheobase into memory that is there already",
    "c-fit": "c) our whole fit to these spike trains, without features, against the peer's features alone",
    "d1": "d1) 20 targets that share 100,000 x 160, float32",
    "d2": "d2) 100 targets that share 200,000 x 800, float32",
    "e": "e) cold processes, from an NWB file to the scores of two models",
    "g": "g) 100 spike trains, 1,000,000 bins, 200 bins through 8 functions: features of 3.2 GB in memory",
}
#: Rounds from which on quartiles say something.
ENOUGH = 4


def markdown(record):
    """All workloads that were run, in their order."""
    parts = [workload(name, record[name]) for name in TITLES if name in record]
    return "\n".join(parts)


def workload(name, result):
    machine = result["machine"]
    smaller = "" if name in ("a", "e") else " of a tenth of the rows"
    quick = f": a trial{smaller}" if result["quick"] else ""
    lines = [f"### {TITLES[name]}{quick}", "", own_line(result), ""]
    lines += begun_fits(result["contestants"]) if name == "g" else timed(result["contestants"])
    lines += ["", *notes(result)]
    lines += [
        f"{result['date']}, {machine['processor']}, {result['threads']} of {machine['cores']} cores; "
        f"{machine['rheobase']}; {', '.join(machine['versions'])}.",
        "",
    ]
    return "\n".join(lines)


def grid(head, rows):
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    return [lines[0], "|---" * len(head) + "|", *lines[1:]]


def timed(rows):
    """The table of contestants that were timed in turns."""
    has_closed = any("back_to_back_seconds" in row for row in rows)
    head = ["peer", "n", "median", "ratio", "quartiles", "gap", "arrived", "first call", "peak"]
    if has_closed:
        head[5:5] = ["back to back", "ratio"]
    rows = sorted(rows, key=lambda row: row.get("seconds", {}).get("median", float("inf")))
    return grid(head, [cells(row, has_closed) for row in rows])


def begun_fits(rows):
    """The table of workload g: how far peers came, and the memory that it took."""
    head = ["peer", "what it did", "features written in", "peak"]
    return grid(head, [[row["name"], deeds(row), written_in(row), megabytes(row["peak_memory_bytes"])] for row in rows])


def deeds(row):
    """What the process of a peer of workload g did until it ended."""
    if "features_bytes" not in row:
        return f"**{row['end']}** before the features of NeMoS were there"
    text = f"{row['features_bytes'] / 1e9:.1f} GB of features by NeMoS in float32, then "
    if row["end"]:
        return f"{text}its fit, **{row['end']}**"
    return f"{text}at most {row['iterations']} iterations of its L-BFGS"


def written_in(row):
    return duration(row["features_seconds"]) if "features_seconds" in row else "–"


def own_line(result):
    """What rheobase did in the same run."""
    rows = [row for row in [result, *result["contestants"]] if "own_seconds" in row]
    text = f"rheobase: {duration(median(row['own_seconds']['median'] for row in rows))}"
    closed = [row["own_back_to_back_seconds"] for row in rows if "own_back_to_back_seconds" in row]
    if closed:
        text += f" in turns, {duration(median(closed))} back to back"
    if "own_gap" in result:
        text += f"; gap {gap(result['own_gap'])}"
    if "solver" in result:
        text += f" at tolerance {result['tolerance']:g} ({result['solver']}, {result['precision']})"
        text += "" if result["converged"] else ", **not converged**"
    return f"{text}; peak {megabytes(result['own_peak_memory_bytes'])}."


def cells(row, has_closed):
    if "failure" in row:
        return [row["name"], "failed", *[""] * (9 if has_closed else 7)]
    ratio = row["ratio"]
    found = row.get("gap")
    values = [
        row["name"] + (f" (x {row['factor']:.3g})" if row.get("factor", 1) != 1 else ""),
        str(row["n"]),
        duration(row["seconds"]["median"]),
        number(ratio["median"]),
        f"{number(ratio['lower'])} to {number(ratio['upper'])}" if row["n"] >= ENOUGH else "–",
        gap(found) if found else f"values within {row['difference']:.0e}",
        "yes" if row["arrived"] else "**no**",
        duration(row["cold_seconds"]) if "cold_seconds" in row else "",
        megabytes(row.get("peak_memory_bytes")),
    ]
    if has_closed:
        values[5:5] = [duration(row["back_to_back_seconds"]), number(row["back_to_back_ratio"])]
    return values


def notes(result):
    lines = []
    if "arrived_at" in result:
        lines.append(
            "gap: loss above the optimum in float64, relative to the larger of |loss| and the mean count; arrived: at "
            f"most {result['arrived_at']:g}. "
        )
    if "own_seconds" in result:
        lines.append(
            "rheobase: the whole fit, without features in memory. Every peer once, in a process of its own that ends "
            "in the middle of its fit; times are not compared, and the machine may have been busy. "
        )
    peaks = [row["features_peak_bytes"] for row in result["contestants"] if "features_peak_bytes" in row]
    if peaks:
        lines.append(f"Of the peaks up to {megabytes(max(peaks))} were reached while the features were written. ")
    if any(row.get("factor", 1) != 1 for row in result["contestants"]):
        lines.append("(x F): some targets measured, the time multiplied by F. ")
    lines += [f"{row['name']} failed: {row['failure']}. " for row in result["contestants"] if "failure" in row]
    return lines


def gap(found):
    if found["n_targets"] == 1:
        return f"{found['worst']:.0e}"
    return f"{found['worst']:.0e} (median {found['median']:.0e} of {found['n_targets']})"


def duration(seconds):
    value, unit = (seconds * 1e3, "ms") if seconds < 1 else (seconds, "s")
    return f"{number(value)} {unit}"


def number(value):
    """Three digits."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def megabytes(n_bytes):
    return "" if n_bytes is None else f"{n_bytes / 1e6:.0f} MB"

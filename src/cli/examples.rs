//! What the help of the commands ends with: how to write their arguments, with lines to copy.

/// The end of the help of `demo`.
pub(super) const DEMO_HELP: &str = "\
Examples:
  rheobase demo              simulates, fits, compares; everything is in rheobase-demo/ then
  rheobase demo --out tour   writes to tour/ instead";

/// The end of the help of `devices`.
pub(super) const DEVICES_HELP: &str = "\
Examples:
  rheobase devices
  rheobase devices --json
  rheobase fit recording.nwb .. --backend gpu --device NVIDIA";

/// The end of the help of `inspect`.
pub(super) const INSPECT_HELP: &str = "\
Examples:
  rheobase inspect recording.nwb           what the file holds; the last line fits it, ready to paste
  rheobase inspect recording.nwb --check   reads everything: NaN, times that go back, broken objects
  rheobase inspect recording.nwb --json | jq '.objects[].key'";

/// The end of the help of `fit`.
pub(super) const FIT_HELP: &str = "\
Features: signal [*scale] [: basis(args)], or a product of such terms: TERM x TERM
  signal  a series of the file (`name`, `name[x]`, `name[0]`, 'a name with spaces'), `spikes` (the target's own),
          `units` or `units-others`; `name@linear`, `name@nearest` or `name@mean` says how samples become bins
  basis   raised-cosine-log(N, window=TIME) for the signal's past, raised-cosine-log(N) for its present value;
          more arguments: width, time-scaling, decay-to-zero, causality, include-present, range=a:b, fill=VALUE
          others: raised-cosine-linear(N), bspline(N), mspline(N), orth-exponential([RATE, ..]); for angles and phases
          cyclic-bspline(N, range=0:360), fourier(N); history(window=TIME), one column per bin; identity

Studies: the options above as a TOML file, one key each (`bin = \"1ms\"`, `feature = [\"stimulus\", \"spikes : ..\"]`,
`data` for the file). What is typed wins over the environment, the environment over the study.

Long fits: Ctrl-C (or SIGTERM, SIGHUP) ends a fit within a second: with the best coefficients so far in model.json and
fit.json, marked as stopped (exit code 4), or, where there are none yet, with exit code 1 and no result. DIR/checkpoint.json
is written then, and now and then before; the same command with --resume goes on from it. A fit out of its --time-limit
writes everything, and a checkpoint. A second Ctrl-C ends at once.

Examples (quote what holds spaces):
  rheobase fit FILE.nwb --epochs 'Noise 1' --unit 0 --bin 1ms --feature 'stimulus*1e12'
  rheobase fit FILE.nwb --epochs trials:correct=1 --unit all --bin 10ms \\
      --feature 'position[x] : raised-cosine-log(6)' \\
      --feature 'units : raised-cosine-log(4, window=100ms)'
  rheobase fit FILE.nwb --unit 0 --bin 10ms --feature 'position[x] : bspline(8) x position[y] : bspline(8)'
  rheobase fit FILE.nwb --epochs 'Noise 1' --epoch 0 --unit 0 --bin 1ms --out results \\
      --feature 'stimulus*1e12' --test-epochs 'Noise 1' --compare other/model.json
  rheobase fit DATA.npz --x features --y counts --out results
  rheobase fit DATA.csv --y spikes --x speed,position
  rheobase fit DATA.h5 --x /design --y /counts
  rheobase fit FILE.nwb --unit 0 --bin 1ms --feature stimulus --print-config > study.toml
  rheobase fit study.toml --unit 3
  rheobase fit FILE.nwb --unit 0 --bin 1ms --feature stimulus --plan results/fit.json";

/// The end of the help of `check`.
pub(super) const CHECK_HELP: &str = "\
Whatever is not chosen is as in the fit: epochs, units, weights, offset, the file of the response. Features, bin, penalty and
what a mask left out always are. The command shares with the fit the readers, the binning, which rows are used, the functions of
the bases, the definition of the penalty and small dense algebra: features, convolutions, linear predictors, means, losses,
gradients and Hessians are computed by plain loops, row by row and target by target: minutes for populations with histories.

A target agrees if the rows are as many as it says, residual and gap are within its tolerance, and what it stored is what
is found: loss, log-likelihood, deviance and pseudo-R2 to 1e-10, standard errors and a dispersion that was estimated to 1e-6
and the condition to 1e-3 (where that is below 1e8), rank, degrees of freedom, and which columns are aliased. Of a gap by the
flat Gram, an estimate, the exact one may be 1000 times the tolerance. What could not be compared is listed with its reason
(not checked: .., left_out).
Residual and gap at the floor of rounding (1e-16, say) have no digits to compare: there both must be at the floor, which is
computed as well (kkt_rounding). Where rounding alone may be above the tolerance, nothing is proven (is_hidden).

Exit code 0: every target agrees and is at its optimum (by the residual alone where the Hessian was left out, which is listed).
4: some target disagrees, says itself that it is not there, or has no proof.

Examples:
  rheobase check results/model.json recording.nwb
  rheobase check results/model.json DATA.csv --json
  rheobase check results/model.json X.npy --weights w.npy";

/// The end of the help of `score`.
pub(super) const SCORE_HELP: &str = "\
Whatever is not chosen is as in the fit; features and bin always are. Columns of a csv file are found by the names that
the model has, columns of other arrays by their order. A model that NeMoS saved takes all columns and all targets by
their order.

Examples:
  rheobase score results/model.json recording.nwb --epochs 'Noise 2'
  rheobase score results/model.json recording.nwb --epochs trials:correct=0 --unit 3 --json
  rheobase score results/model.json TEST.csv
  rheobase score results/model.json TEST.npz --x X_test --y y_test
  rheobase score nemos.npz TEST.npz --x X_test --y y_test";

/// The end of the help of `bench`.
pub(super) const BENCH_HELP: &str = "\
Every workload runs in a process of its own: its data are made from a fixed seed, then it is
timed again and again, back to back, from data in memory to certified coefficients (c: to
features, e: two whole processes). What is printed: median and quartiles of the times, the time of one
loss and gradient where nothing is written out (evaluation), the largest relative distance of the
loss from the optimum in float64 (loss gap; found by a fit that is not timed, for at most 3 targets;
d1 and d2 ask for 1e-8, b, f and g for 1e-10, below 0 is rounding), the most passes over the rows
that a target took, and the peak of the memory after the data were made.

Examples:
  rheobase bench --workload a
  rheobase bench --workload b,d1 --threads-sweep --out timings
  rheobase bench --workload a,b --write-data data      npz files (X, y) for other programs
  rheobase bench serve data/b.npz --tolerance 1e-10    one fit for each line of stdin
  rheobase bench --kernels                             each kernel against the roofs of this machine
  rheobase bench --gpu --json                          the CPU against a GPU; --cpu-only: the same without one
  rheobase bench --gpu --part dense,record             some parts of it
  rheobase bench --calibrate speeds.json               then: rheobase fit .. --cost-constants speeds.json";

/// The end of the help of `bench serve`.
pub(super) const SERVE_HELP: &str = "\
The options are those of `rheobase fit`, without the ones that write or compare. A line is empty
or {}. Each answer is one line of JSON: seconds (fit: data in memory to certified coefficients;
inference: standard errors; total: everything but writing the answer), solver, precision,
tolerance, converged, peak_memory_bytes and the targets as `fit --json` has them. The end of the
input ends the program, with exit code 4 if some fit did not arrive.

Examples:
  printf '\\n\\n\\n' | rheobase bench serve DATA.npz | jq .seconds.fit
  rheobase bench serve FILE.nwb --unit 0 --bin 1ms --feature stimulus --solver newton < lines";

/// The end of the help of `completions`.
pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  rheobase completions bash > ~/.local/share/bash-completion/completions/rheobase
  rheobase completions zsh > ~/.zfunc/_rheobase      with `fpath+=~/.zfunc` before compinit in ~/.zshrc
  rheobase completions fish > ~/.config/fish/completions/rheobase.fish";

/// The end of the help of `man`.
pub(super) const MAN_HELP: &str = "\
Examples:
  rheobase man fit | man -l -
  rheobase man --out ~/.local/share/man/man1";

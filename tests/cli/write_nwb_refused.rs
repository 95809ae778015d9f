//! Copies that are refused, replaced or broken off: the input and what others wrote stay, and an old copy is replaced
//! whole or not at all.

use std::fs;
use std::process::Command;

use hdf5::File;

use crate::population::OTHERS;
use crate::recording_file::{write_changed, write_recording};
use crate::write_nwb::{MODULE, assert_holds, recording, run, sha256, text_column};
use crate::{Place, Run, files_under};

#[test]
fn results_of_an_earlier_fit_are_replaced_and_nothing_else_is() {
    let place = recording();
    place.run(&run(&["--feature", OTHERS, "--write-nwb", "first.nwb"])).ended(0);
    let before = sha256(&place.path("first.nwb"));
    let words =
        ["fit", "first.nwb", "--epochs", "run", "--unit", "5", "--bin", "10ms", "--feature", "current"];
    place.run(&[&words[..], &["--out", "out", "--write-nwb", "second.nwb"]].concat()).ended(0);
    assert_eq!(sha256(&place.path("first.nwb")), before);
    assert_holds(&place.path("second.nwb"), &place.path("out"));
    let second = File::open(place.path("second.nwb")).unwrap();
    assert_eq!(text_column(&second, "glm/target"), ["5"]);
    assert!(!second.link_exists(&format!("{MODULE}/filters")), "of the first fit");
    // what others wrote under the same name stays
    write_changed(&place.path("theirs.nwb"), |file| {
        file.create_group(MODULE).unwrap().create_group("notes").unwrap();
    });
    let mut words = run(&["--write-nwb", "c.nwb"]);
    words[1] = "theirs.nwb";
    let said = "error: theirs.nwb: processing/rheobase: expected nothing or the results of an earlier fit, found \
                something that this program did not write\n\
                help: rename it in a copy of the file and fit that, or leave --write-nwb out and use --out\n";
    assert_eq!(place.refused(&words, 3, &[]).stderr, said);
}

#[test]
fn refusals_say_what_to_do() {
    let place = recording();
    let before = sha256(&place.path("r.nwb"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("r.nwb", place.path("soft.nwb")).unwrap();
        fs::hard_link(place.path("r.nwb"), place.path("hard.nwb")).unwrap();
    }
    let same: &[&str] =
        if cfg!(unix) { &["r.nwb", "./r.nwb", "soft.nwb", "hard.nwb"] } else { &["r.nwb", "./r.nwb"] };
    for copy in same {
        let said = format!(
            "error: --write-nwb: expected the path of a copy, found the input itself ({copy})\n\
             help: give another path: the input is never changed\n"
        );
        assert_eq!(place.refused(&run(&["--write-nwb", copy]), 2, &[]).stderr, said);
    }
    fs::create_dir(place.path("folder")).unwrap();
    let run_of = |copy: &str, code: i32| place.refused(&run(&["--write-nwb", copy]), code, &[]).stderr;
    let said = "error: folder: a folder, where a file is to be written\nhelp: choose another path\n";
    assert_eq!(run_of("folder", 1), said);
    let said = "error: r.nwb: a file, where a folder is needed\nhelp: choose another path\n";
    assert_eq!(run_of("r.nwb/c.nwb", 1), said);
    fs::write(place.path("d.npz"), "").unwrap();
    let said = "error: --write-nwb: expected an NWB file to copy, found d.npz\n\
                help: leave it out: --out DIR writes the results of arrays\n";
    assert_eq!(place.refused(&["fit", "d.npz", "--write-nwb", "c.nwb"], 2, &[]).stderr, said);
    // a mistake elsewhere leaves no copy either
    place.refused(&run(&["--feature", "nobody", "--write-nwb", "c.nwb"]), 2, &["\"nobody\""]);
    assert_eq!(sha256(&place.path("r.nwb")), before);
}

#[test]
fn links_to_other_files_keep_the_copy_in_the_folder_of_the_input() {
    let place = Place::new();
    write_recording(&place.path("raw.nwb"));
    write_changed(&place.path("r.nwb"), |file| {
        let acquisition = file.group("acquisition").unwrap();
        acquisition.link_external("raw.nwb", "/acquisition/holes", "elsewhere").unwrap();
    });
    place.run(&run(&["--write-nwb", "c.nwb"])).ended(0);
    let said = "error: r.nwb: /acquisition/elsewhere: expected everything in this file, found a link to another file, \
                which leads from this folder\nhelp: write the copy into the folder of the input\n";
    assert_eq!(place.refused(&run(&["--write-nwb", "folder/c.nwb"]), 3, &[]).stderr, said);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_copy_and_nothing_of_the_run() {
    let place = recording();
    let size = fs::metadata(place.path("r.nwb")).unwrap().len();
    let limited = |bytes: u64| {
        // a limit on the size of files, in blocks of 512 bytes, with its signal ignored: writing fails
        let more = "--feature current --out out --write-nwb deep/c.nwb";
        let script = format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\" fit r.nwb --epochs run --unit all --bin 10ms {more}",
            bytes / 512
        );
        let mut command: Command = place.command("sh");
        Run::of(command.args(["-c", &script, env!("CARGO_BIN_EXE_rheobase")]))
    };
    // too little for the copy, for its tables, for its rates
    for bytes in [size / 2, size + 1024, size + 20_000] {
        let run = limited(bytes).ended(1);
        assert!(run.stderr.starts_with("error: deep/c.nwb: File too large"), "{bytes}: {run:?}");
        assert!(run.stdout.is_empty() && !place.path("deep").exists() && !place.path("out").exists());
    }
    place.run(&run(&["--write-nwb", "deep/c.nwb", "--quiet"])).ended(0);
    let (before, files) = (sha256(&place.path("deep/c.nwb")), files_under(&place.path("")));
    limited(size + 20_000).ended(1);
    assert_eq!((sha256(&place.path("deep/c.nwb")), files_under(&place.path(""))), (before.clone(), files));
    // a further run that works replaces it
    place.run(&run(&["--feature", "holes", "--write-nwb", "deep/c.nwb"])).ended(0);
    assert_ne!(sha256(&place.path("deep/c.nwb")), before);
}

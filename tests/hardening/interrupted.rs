//! A run that is killed at any moment leaves whole files, old or new, and the next one
//! goes on from there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use devres_gen::compile::{compile, load};
use devres_gen::emit::{Options, OutputFile};
use devres_gen::output::{MANIFEST, check, write};

use crate::util::{files, large};

const ROUNDS: usize = 30;

/// What the next run has to write.
fn generated(path: &Path) -> Vec<OutputFile> {
    let front = load(&[path.to_owned()]);
    assert!(front.diagnostics.is_empty(), "{:?}", front.diagnostics);
    compile(&front.unit, &Options::default()).unwrap()
}

/// Starts a run, and kills it a while after the file has been replaced.
fn kill_while_it_writes(folder: &Path, watched: &Path, while_: u32) {
    let inode = || fs::metadata(watched).map(|file| file.ino()).ok();
    let before = inode();
    let mut run = Command::new(env!("CARGO_BIN_EXE_devres-gen"))
        .current_dir(folder)
        .args(["compile", "x.devres"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while inode() == before && run.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    for _ in 0..while_ {
        std::hint::spin_loop();
    }
    let _ = run.kill();
    run.wait().unwrap();
}

#[test]
fn whoever_is_killed_leaves_whole_files() {
    let root = tempfile::tempdir().unwrap();
    let scenario = root.path().join("x.devres");
    let out = root.path().join("generated");
    let versions = ["one", "another"].map(|words| {
        let text = large(words, 24);
        fs::write(&scenario, &text).unwrap();
        let files = generated(&scenario);
        write(&out, &files).unwrap();
        let foreign = out.join("rust/mine.rs");
        fs::write(&foreign, "fn mine() {}\n").unwrap();
        (text, files, self::files(&out))
    });
    let (mut half_way, mut unfinished) = (0, 0);
    for round in 0..ROUNDS {
        let [old, new] = [round + 1, round].map(|index| &versions[index % 2]);
        write(&out, &old.1).unwrap();
        assert_eq!(files(&out), old.2, "round {round}");
        fs::write(&scenario, &new.0).unwrap();
        // The first of those that are written one by one, up to the manifest.
        let watched = out.join("kunit/devres/devres-s0-test.c");
        kill_while_it_writes(root.path(), &watched, fastrand::u32(0..200_000));
        let left = files(&out);
        let is_unfinished = |path: &Path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(".devres-gen.")
        };
        let whole: BTreeMap<PathBuf, Vec<u8>> = left
            .clone()
            .into_iter()
            .filter(|(path, _)| !is_unfinished(path))
            .collect();
        assert!(
            whole.keys().eq(old.2.keys()),
            "round {round}: a file is missing"
        );
        for (path, text) in &whole {
            assert!(
                old.2[path] == *text || new.2[path] == *text,
                "round {round}: {path:?}"
            );
        }
        let is_new = left == new.2;
        half_way += usize::from(!is_new && whole != old.2);
        unfinished += usize::from(left.len() > whole.len());
        assert_eq!(
            check(&out, &new.1).unwrap().is_empty(),
            is_new,
            "round {round}"
        );
        if whole[&out.join(MANIFEST)] == new.2[&out.join(MANIFEST)] {
            assert_eq!(whole, new.2, "round {round}: the manifest comes last");
        }
        // The next run finishes it, and clears away what is left of this one.
        write(&out, &new.1).unwrap();
        assert_eq!(files(&out), new.2, "round {round}");
    }
    eprintln!("{half_way} of {ROUNDS} runs were killed half-way, {unfinished} within a file");
    assert!(half_way > 0, "no run was killed while it wrote");
}

/// Wherever a file was being written: beside the manifest as well.
#[test]
fn what_is_unfinished_is_cleared_away_in_each_folder() {
    let root = tempfile::tempdir().unwrap();
    let scenario = root.path().join("x.devres");
    let out = root.path().join("generated");
    fs::write(&scenario, large("one", 1)).unwrap();
    let generated = generated(&scenario);
    write(&out, &generated).unwrap();
    let whole = files(&out);
    for folder in ["", "rust", "kunit/devres"] {
        fs::write(out.join(folder).join(".devres-gen.a1b2c3"), "half").unwrap();
        assert!(!check(&out, &generated).unwrap().is_empty(), "{folder}");
        write(&out, &generated).unwrap();
        assert_eq!(files(&out), whole, "{folder}");
    }
}

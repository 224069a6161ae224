//! What explorations are asked, and how.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use devres_gen::compile::bricks;
use devres_gen::explore::{
    Asked, Bricks, Checkpoint, Covered, Explored, Limits, Next, Node, Progress, Question, Search,
    Shard, all_kinds,
};
use devres_gen::ir::{DEV, KindUse, Unit};
use devres_gen::sim::{ActionId, HandleId, Model, Op, Packed};

/// Of a file that is given beside the bricks only the kinds are taken.
#[test]
fn scenarios_of_a_file_are_no_bricks() {
    let plain = bricks(&[]);
    let beside = bricks(&["tests/own_kind.devres".into(), "scenarios".into()]);
    assert!(beside.diagnostics.is_empty(), "{:?}", beside.diagnostics);
    let suites = |front: &devres_gen::compile::Front| -> Vec<String> {
        let suites = front.unit.suites.iter();
        suites.map(|suite| suite.name.clone()).collect()
    };
    assert!(!suites(&plain).is_empty());
    assert_eq!(suites(&plain), suites(&beside));
    let own = |unit| all_kinds(unit).iter().any(|used| used.label(unit) == "own");
    assert!(!own(&plain.unit) && own(&beside.unit));
    let text = fs::read_to_string("tests/own_kind.devres").unwrap();
    assert!(text.contains("suite "), "which has suites of its own");
}

/// A program with a file is not told to be for kinds that have none, nor one with an action that
/// closes it.
#[test]
fn files_are_of_kinds_that_have_them() {
    let unit = bricks(&[]).unit;
    let used = |label: &str| {
        let mut kinds = all_kinds(&unit).into_iter();
        kinds.find(|used| used.label(&unit) == label).unwrap()
    };
    let suite = &unit.suites[0];
    let mut scenarios = suite.scenarios.iter();
    let scenario = scenarios.find(|s| s.name == "files").unwrap();
    let of_chardev = Bricks::of(&unit, suite, scenario, used("chardev")).unwrap();
    let shut = scenario.actions.iter().position(|a| a.name == "shut");
    let programs = [
        (vec![Op::Get(DEV)], true),
        (vec![Op::Open(HandleId(0))], false),
        (vec![Op::AddAction(ActionId(shut.unwrap() as u8))], false),
    ];
    for (ops, on_root) in programs {
        assert!(of_chardev.on(&unit, used("misc"), &ops).is_some());
        assert_eq!(of_chardev.on(&unit, used("root"), &ops).is_some(), on_root);
    }
}

fn limits(depth: usize) -> Limits {
    Limits {
        depth,
        points: 1_000_000,
        threads: 2,
        wanted: 0,
    }
}

fn question<'q>(unit: &'q Unit, kinds: &'q [KindUse], depth: usize) -> Question<'q, 1> {
    Question {
        unit,
        kinds,
        models: [Model::ALL],
        limits: limits(depth),
        reduced: true,
    }
}

fn some_kinds(unit: &Unit) -> Vec<KindUse> {
    let wanted = ["bare", "platform", "bus_bound", "chardev"];
    let mut kinds = all_kinds(unit);
    kinds.retain(|used| wanted.contains(&used.label(unit).as_str()));
    assert_eq!(kinds.len(), wanted.len());
    kinds
}

fn asked(depth: usize) -> Asked {
    Asked {
        version: "of this test".to_owned(),
        lacks: vec![vec![]],
        depth,
        full: false,
        on: vec![],
        bricks: vec![],
        paths: vec![],
        digest: String::new(),
    }
}

/// All that an exploration says, less the time that it took.
fn told(explored: &Explored) -> impl PartialEq + std::fmt::Debug + use<> {
    let covered = explored.covered.iter().map(|(name, covered)| {
        let took = Duration::ZERO;
        (name.clone(), Covered { took, ..*covered })
    });
    let findings = explored.findings.iter();
    let findings = findings.map(|f| (f.cause.clone(), f.shown.clone(), f.kinds.clone()));
    (
        covered.collect::<Vec<_>>(),
        findings.collect::<Vec<_>>(),
        explored.missing.clone(),
    )
}

/// Several explorations, each with its share of the searches, come to what one comes to.
#[test]
fn shards_together_find_what_one_finds() {
    let unit = bricks(&[]).unit;
    let kinds = some_kinds(&unit);
    let question = question(&unit, &kinds, 5);
    let go_on = &mut |_: &Progress<'_>| true;
    let whole = question.explore(None, None, go_on).unwrap();
    assert!(!whole.findings.is_empty() && whole.covered.len() > 20);
    for of in [1, 3, 7] {
        let folders: Vec<_> = (0..of).map(|_| tempfile::tempdir().unwrap()).collect();
        let open = |folder: &tempfile::TempDir| Checkpoint::open(folder.path(), &asked(5)).unwrap();
        let checkpoints: Vec<Checkpoint> = folders.iter().map(open).collect();
        let mut sizes = Vec::new();
        for (number, checkpoint) in (1..).zip(&checkpoints) {
            let shard = Some(Shard { number, of });
            let checkpoint = Some(checkpoint);
            let share = question.explore(shard, checkpoint, go_on).unwrap();
            sizes.push(share.covered.len());
        }
        assert_eq!(sizes.iter().sum::<usize>(), whole.covered.len());
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        let all: Vec<&Checkpoint> = checkpoints.iter().collect();
        let joined = question.merge(&all).unwrap();
        assert_eq!(told(&joined), told(&whole), "of {of}");
        if let [_, rest @ ..] = &all[..] {
            let joined = question.merge(rest).unwrap();
            assert_eq!(joined.missing.len(), sizes[0]);
        }
    }
}

/// Where two programs lead to what is taken for one point, the same may follow: the search goes on from
/// the first of them only.
#[test]
fn what_is_one_point_has_one_future() {
    let unit = bricks(&[]).unit;
    let models = [Model::ALL];
    let mut met = 0;
    for used in some_kinds(&unit) {
        for suite in &unit.suites {
            let scenarios = suite.scenarios.iter();
            for bricks in scenarios.filter_map(|scenario| Bricks::of(&unit, suite, scenario, used))
            {
                bricks.with_program(&unit, |program| {
                    let mut packed = Packed::new();
                    let mut futures: HashMap<u64, Vec<(Op, Next, Option<u64>)>> = HashMap::new();
                    let mut level = vec![Node::new(program, models).unwrap()];
                    for _ in 0..5 {
                        let mut deeper = Vec::new();
                        for node in level {
                            let mut next = node;
                            let future = bricks.alphabet.iter().map(|&op| {
                                let came = node.next(&bricks, program, models, op, &mut next);
                                let node = (came == Next::Node).then_some(next);
                                deeper.extend(node);
                                let mut point =
                                    |node: Node<1>| node.fingerprint(program, &mut packed);
                                (op, came, node.map(&mut point))
                            });
                            let future: Vec<_> = future.collect();
                            match futures.entry(node.fingerprint(program, &mut packed)) {
                                Entry::Vacant(new) => _ = new.insert(future),
                                Entry::Occupied(known) => {
                                    met += 1;
                                    assert_eq!(
                                        *known.get(),
                                        future,
                                        "{}",
                                        bricks.search_name(&unit)
                                    );
                                }
                            }
                        }
                        level = deeper;
                    }
                });
            }
        }
    }
    assert!(met > 10_000, "{met}");
}

/// A search is taken up wherever it was left, and a record that is not whole is no record.
#[test]
fn a_torn_checkpoint_is_taken_up() {
    let unit = bricks(&[]).unit;
    let mut kinds = some_kinds(&unit);
    kinds.truncate(1);
    let question = question(&unit, &kinds, 6);
    let go_on = &mut |_: &Progress<'_>| true;
    let whole = question.explore(None, None, go_on).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = &Checkpoint::open(folder.path(), &asked(6)).unwrap();
    // Left behind the fourth batch of the first search.
    let mut batches = 0;
    let leave = &mut |_: &Progress<'_>| {
        batches += 1;
        batches < 4
    };
    let left = question.explore(None, Some(checkpoint), leave).unwrap();
    assert!(left.covered[0].1.cut && !left.missing.is_empty());
    let path = folder.path().join(left.covered[0].0.replace(' ', "_"));
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > 1000);
    for length in (0..bytes.len()).rev().step_by(97) {
        fs::write(&path, &bytes[..length]).unwrap();
        let taken_up = question.explore(None, Some(checkpoint), go_on);
        assert_eq!(told(&taken_up.unwrap()), told(&whole), "{length} bytes");
    }
    // Points of another simulator are not gone on from: theirs have other fingerprints.
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let record: serde_json::Value = serde_json::from_slice(&bytes[..line]).unwrap();
    let end = line + 1 + 13 * record["points"].as_u64().unwrap() as usize;
    let mut other = bytes[..end].to_vec();
    other[end - 13] ^= 1;
    let sum = |bytes: &[u8]| {
        let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
        let digits = digest[..8].iter().map(|b| format!("{b:02x}"));
        digits.collect::<String>()
    };
    let text = String::from_utf8(other[..=line].to_vec()).unwrap();
    let text = text.replace(&sum(&bytes[line + 1..end]), &sum(&other[line + 1..end]));
    let forged = [text.as_bytes(), &other[line + 1..end]].concat();
    fs::write(&path, forged).unwrap();
    let why = question.explore(None, Some(checkpoint), go_on).unwrap_err();
    assert!(why.contains("another simulator"), "{why}");
    // Nobody else may write there meanwhile, nor another question use the folder.
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let why = question.explore(None, Some(checkpoint), go_on).unwrap_err();
    assert!(why.contains("another exploration"), "{why}");
    let why = Checkpoint::open(folder.path(), &asked(7)).unwrap_err();
    assert!(why.contains("another question"), "{why}");
}

/// What is kept of the points takes no more than the room for them, and the search says so.
#[test]
fn no_more_room_is_taken_than_there_is() {
    const ROOM: usize = 256 << 10;
    let unit = bricks(&["tests/own_kind.devres".into()]).unit;
    let suites = unit.suites.iter();
    let scenarios = suites.flat_map(|suite| suite.scenarios.iter().map(move |it| (suite, it)));
    for (suite, scenario) in scenarios {
        let Some(bricks) = Bricks::of(&unit, suite, scenario, some_kinds(&unit)[1]) else {
            continue;
        };
        bricks.with_program(&unit, |program| {
            let limits = Limits {
                points: Limits::points_in(ROOM),
                ..limits(12)
            };
            let mut search = Search::new(&bricks, program, [Model::ALL], limits).unwrap();
            while !search.is_done() {
                search.batch();
                assert!(search.bytes() <= ROOM, "{} of {ROOM}", search.bytes());
            }
            let &Covered { cut, points, .. } = search.covered();
            assert!(points <= limits.points);
            assert_eq!(
                cut,
                search.covered().depth < limits.depth,
                "{}",
                bricks.name
            );
        });
    }
}

/// A transition allocates nothing: what is allocated is by piece, batch and level.
#[test]
fn a_transition_allocates_nothing() {
    let unit = bricks(&[]).unit;
    let kind = some_kinds(&unit)[1];
    let suites = unit.suites.iter();
    let mut scenarios = suites.flat_map(|suite| suite.scenarios.iter().map(move |it| (suite, it)));
    let (suite, groups) = scenarios.find(|(_, it)| it.name == "groups").unwrap();
    let bricks = Bricks::of(&unit, suite, groups, kind).unwrap();
    bricks.with_program(&unit, |program| {
        let limits = Limits {
            threads: 1,
            ..limits(10)
        };
        let mut search = Search::new(&bricks, program, [Model::ALL], limits).unwrap();
        let allocated = allocation_counter::measure(|| {
            while !search.is_done() {
                search.batch();
            }
        });
        let transitions = search.covered().transitions;
        assert!(transitions > 50_000, "{transitions}");
        assert!(
            allocated.count_total * 20 < transitions,
            "{} allocations in {transitions} transitions",
            allocated.count_total
        );
    });
}

fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devres-gen"));
    command.current_dir(folder).args(args);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Killed again and again, an exploration comes to what it comes to without.
#[test]
fn what_is_killed_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "explore",
        "--invariants",
        "--depth",
        "7",
        "--on",
        "platform",
        "--on",
        "bare",
    ];
    let whole = program(folder.path(), &args).output().unwrap();
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    let mut with = args.to_vec();
    with.extend(["--checkpoint", "tried"]);
    let mut killed = 0;
    loop {
        let mut child = program(folder.path(), &with);
        let mut child = child
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // As soon as it says that it has come farther, somewhere in what follows.
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let more = (0..=killed % 3).all(|_| lines.next().is_some());
        if more && killed < 12 {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            continue;
        }
        let _ = lines.count();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output.stdout), text(&whole.stdout));
        break;
    }
    assert!(killed > 2, "{killed}");
    let merged = program(folder.path(), &["explore", "merge", "tried"])
        .output()
        .unwrap();
    assert_eq!(text(&merged.stdout), text(&whole.stdout));
    let mut deeper = with.clone();
    deeper[3] = "8";
    let refused = program(folder.path(), &deeper).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("another question"));
}

/// Interrupted, it tells what it has, and what nobody has searched.
#[test]
fn an_interrupted_exploration_tells_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path(), &["explore", "--invariants", "--depth", "40"]);
    let mut child = child
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("explore: "));
    let told = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{said:?}");
    let summary = text(&output.stdout);
    assert!(summary.contains(" more not begun;"), "{summary}");
}

#[test]
fn shares_and_limits_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (args, why) in [
        (&["--shard", "1/2"][..], "--checkpoint"),
        (&["--shard", "3/2", "--checkpoint", "c"], "1/4 to 4/4"),
        (&["--shard", "0/2", "--checkpoint", "c"], "1/4 to 4/4"),
        (&["--shard", "half", "--checkpoint", "c"], "1/4 to 4/4"),
        (&["--memory", "1", "--points", "5"], "cannot be used with"),
    ] {
        let mut all = vec!["explore", "--invariants"];
        all.extend(args);
        let refused = program(folder.path(), &all).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(
            text(&refused.stderr).contains(why),
            "{args:?}: {}",
            text(&refused.stderr)
        );
    }
    for args in [&["explore", "merge"][..], &["explore", "merge", "nowhere"]] {
        let refused = program(folder.path(), args).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What no program reaches is told for those that were tried.
#[test]
fn what_is_not_reached_is_told_with_how_far_it_was_looked_for() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cover = |args: [&str; 2]| {
        let mut cover = program(here, &["explore", "--cover", "scenarios/unregister.devres"]);
        let output = cover.args(args).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let whole = cover(["--depth", "2"]);
    assert!(
        whole.contains("\nno program of 2 statements reaches "),
        "{whole}"
    );
    assert!(!whole.contains("cut short"), "{whole}");
    let cut = cover(["--points", "2"]);
    assert!(
        cut.contains("\nno program that was tried reaches "),
        "{cut}"
    );
    assert!(
        cut.contains(" searches were cut short or not begun\n"),
        "{cut}"
    );
}

/// What is written is read again: it names nothing that it does not declare, kinds of a user's own
/// come from their file, and what is refused for its fault is written apart.
#[test]
fn what_is_written_can_be_run() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own_kind.devres");
    fs::copy("tests/own_kind.devres", own).unwrap();
    let explore = |more: &[&str]| {
        let args = ["explore", "own_kind.devres", "--write", "found.devres"];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        let explored = program(folder.path(), &args).output().unwrap();
        assert!(explored.status.success(), "{}", text(&explored.stderr));
        text(&explored.stdout)
    };
    let run = |name: &str| {
        let run = program(folder.path(), &["run", name]).output().unwrap();
        (run.status.code(), text(&run.stdout) + &text(&run.stderr))
    };
    // A file that is not as it should be is another code.
    for (fix, on) in [
        ("699fb50d9903", "own"),
        ("8e1ddfada453", "bus_bound"),
        ("2e84dc379200", "bare"),
    ] {
        let models = ["--diff", "all", &format!("without:{fix}"), "--on", on];
        let told = explore(&models);
        assert!(told.contains("scenario parts_"), "{told}");
        let (code, said) = run("found.devres");
        assert_eq!(code, Some(0), "{told}{said}");
        assert!(said.contains("found_1/"), "{said}");
    }
    let by_hand = "use kinds\n";
    fs::write(folder.path().join("mine.devres"), by_hand).unwrap();
    let args = ["explore", "--depth", "1", "--write", "mine.devres"];
    let refused = program(folder.path(), &args).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    let mine = fs::read_to_string(folder.path().join("mine.devres"));
    assert_eq!(mine.unwrap(), by_hand);
    let kept = fs::read_to_string(folder.path().join("found.devres")).unwrap();
    let told = explore(&["--invariants", "--on", "bus_bound"]);
    assert!(
        told.contains("goes_wrong_") && told.contains("never_"),
        "{told}"
    );
    assert_ne!(
        fs::read_to_string(folder.path().join("found.devres")).unwrap(),
        kept
    );
    assert_eq!(
        run("found.devres").0,
        Some(1),
        "what breaks the contract fails"
    );
    let (code, said) = run("found_faults.devres");
    assert!(code == Some(1) && said.contains("E0401"), "{said}");
}

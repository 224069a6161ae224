//! Why a program shows what it shows, in the kernel's functions: what tells one cause from
//! another instance of the same.

use super::search::Shown;
use super::watch::Broken;
use crate::sim::{
    ActionId, Event, Fault, Happening, Holdings, Model, Op, Phase, Program, Record, Recorder, State,
};

/// Kernel functions that are told, innermost last.
const FRAMES: usize = 2;

/// Everything that happened in a program, and the operation that ran into a fault.
struct Story {
    records: Vec<Record>,
    state: State,
    fault: Option<(Fault, Option<Op>)>,
}

fn story(program: &Program<'_>, model: Model, shown: &Shown) -> Story {
    let mut recorder = Recorder::new(program, model);
    let mut holdings = Holdings::new();
    let mut fault = None;
    let own = program
        .set_up()
        .into_iter()
        .chain(shown.ops.iter().copied());
    for op in own {
        match recorder.run(0, op) {
            Ok(ret) if ret >= 0 => _ = holdings.apply(program, op, None),
            // An operation that returns an error changes no hands.
            Ok(_) => {}
            Err(what) => {
                fault = Some((what, recorder.faulted()));
                break;
            }
        }
    }
    if shown.at_end && fault.is_none() {
        for op in holdings.give_up(program) {
            if let Err(what) = recorder.run(0, op) {
                fault = Some((what, recorder.faulted()));
                break;
            }
        }
    }
    Story {
        records: recorder.records().to_vec(),
        state: *recorder.state(),
        fault,
    }
}

/// The cause in one line.
pub(super) fn cause<const N: usize>(
    program: &Program<'_>,
    models: [Model; N],
    shown: &Shown,
) -> String {
    let stories = models.map(|model| story(program, model, shown));
    match shown.broken {
        Some(broken) => of_broken(program, broken, &stories[0]),
        None => of_parting(program, &stories),
    }
}

fn of_broken(program: &Program<'_>, broken: Broken, story: &Story) -> String {
    match broken {
        Broken::Nothing => "nothing".to_owned(),
        Broken::Fault(_) => {
            let (fault, op) = match story.fault {
                Some((fault, op)) => (variant(&fault), op.map(|op| verb(program, op))),
                None => ("a fault".to_owned(), None),
            };
            // They come down to the same functions.
            let goes = ["unregister", "del", "unbind"];
            let op = op.unwrap_or_default();
            let op = if goes.contains(&op.as_str()) {
                "when a device or its driver goes".to_owned()
            } else {
                format!("in `{op}`")
            };
            // Who waits does so behind all that happened.
            let last = match story.fault {
                Some((Fault::WaitsForever(_), _)) => None,
                _ => story.records.last(),
            };
            format!("{fault} {op}{}", called_from(last))
        }
        Broken::NeverRan(id) => {
            let device = story.state.device(program.action(id).on);
            let of = match device.phase() {
                Phase::Absent | Phase::Initialized => "was not added",
                Phase::Added => "is still added",
                Phase::Deleted => "was removed",
                Phase::Released => "is released",
            };
            format!(
                "an action never runs, of a device that {of}{}",
                added(id, story)
            )
        }
        Broken::RanTwice(id) => format!("an action runs too often{}", ran(id, story)),
        Broken::OutOfOrder(id) => format!("an action runs before a newer one{}", ran(id, story)),
        Broken::ReleasedWhileHeld(_) => {
            format!("a device is released while it is held{}", released(story))
        }
        Broken::ReleasedTwice(_) => format!("a device is released twice{}", released(story)),
        Broken::NotReleased(_) => "a device is never released".to_owned(),
        Broken::WorkLeft => "work is queued that nobody does".to_owned(),
    }
}

/// Where the traces of two kernels part.
fn of_parting<const N: usize>(program: &Program<'_>, stories: &[Story; N]) -> String {
    let [first, second] = [&stories[0], &stories[N - 1]];
    let longest = first.records.len().max(second.records.len());
    for index in 0..longest {
        let pair = (first.records.get(index), second.records.get(index));
        let same = |a: &Record, b: &Record| (a.happening, &a.devices) == (b.happening, &b.devices);
        match pair {
            (Some(a), Some(b)) if same(a, b) => {}
            (a, b) => {
                // An event tells more than what is there at the end of an operation.
                let mut events = [a, b].into_iter().flatten();
                let told = events.find(|record| !record.path.is_empty());
                return match told {
                    Some(record) => {
                        format!("{}{}", what(program, record), called_from(Some(record)))
                    }
                    None => match a.or(b) {
                        Some(record) => format!("what is there after {}", what(program, record)),
                        None => "nothing".to_owned(),
                    },
                };
            }
        }
    }
    let faults = [first, second].map(|story| story.fault.map(|(fault, _)| variant(&fault)));
    format!(
        "{} on one of them",
        faults.into_iter().flatten().collect::<Vec<_>>().join(", ")
    )
}

fn what(program: &Program<'_>, record: &Record) -> String {
    match record.happening {
        Happening::Event(Event::Action(_)) => "an action".to_owned(),
        Happening::Event(Event::Probe(..)) => "a probe".to_owned(),
        Happening::Event(Event::Remove(..)) => "a remove".to_owned(),
        Happening::Event(Event::Released(_)) => "a release".to_owned(),
        Happening::Event(Event::Warning(warning)) => format!("a warning of {}", warning.function()),
        Happening::Returned(op, _) => verb(program, op),
    }
}

/// The word that an operation begins with.
fn verb(program: &Program<'_>, op: Op) -> String {
    let text = program.describe(op);
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn variant(fault: &Fault) -> String {
    let debug = format!("{fault:?}");
    debug.split('(').next().unwrap_or_default().to_owned()
}

fn called_from(record: Option<&Record>) -> String {
    let path = record.map_or(&[][..], |record| &record.path);
    if path.is_empty() {
        return String::new();
    }
    let frames = &path[path.len().saturating_sub(FRAMES)..];
    format!(", in {}", frames.join(" > "))
}

/// Where an action was added for the last time.
fn added(id: ActionId, story: &Story) -> String {
    let adds = |record: &Record| record.happening == Happening::Returned(Op::AddAction(id), 0);
    let Some(at) = story.records.iter().rposition(adds) else {
        return String::new();
    };
    let step = story.records[at].step;
    let callback = story.records[..at].iter().rev().find(|record| {
        let calls = matches!(
            record.happening,
            Happening::Event(Event::Action(_) | Event::Probe(..) | Event::Remove(..))
        );
        record.step == step && calls
    });
    // What is released by itself might as well be added by the program.
    let in_a_pass = |record: &&Record| {
        matches!(
            record.path.last(),
            Some(&("devres_release_all" | "devres_release_group"))
        )
    };
    match callback.filter(|_| is_nested(story, at)).filter(in_a_pass) {
        Some(record) => format!(", added{}", called_from(Some(record))),
        None => String::new(),
    }
}

/// Whether an operation was one of a callback: that under way returns later.
fn is_nested(story: &Story, at: usize) -> bool {
    let step = story.records[at].step;
    let returns = |record: &Record| {
        record.step == step && matches!(record.happening, Happening::Returned(..))
    };
    story.records[at + 1..].iter().any(returns)
}

fn ran(id: ActionId, story: &Story) -> String {
    let runs = |record: &&Record| record.happening == Happening::Event(Event::Action(id));
    called_from(story.records.iter().rev().find(runs))
}

fn released(story: &Story) -> String {
    let releases =
        |record: &&Record| matches!(record.happening, Happening::Event(Event::Released(_)));
    called_from(story.records.iter().rev().find(releases))
}

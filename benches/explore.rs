//! `explore` beside Stateright's breadth first search: one model, the same points, in one run.
//!
//!     cargo bench -p devres-gen-benches --bench explore
//!
//! Both carry out the same operations by the same simulator, know a point by the same bytes, try
//! every program however long, and ask of each point whether it keeps the contract when the
//! program ends there. What the simulator takes for that alone is measured as well: the rest is
//! what a search adds.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use devres_gen::compile::load_text;
use devres_gen::explore::{Bricks, Covered, Limits, Next, Node, Search, all_kinds};
use devres_gen::sim::{Action, Device, DeviceId, Kind, Model, Op, Packed, Program};
use stateright::{Checker, Property};

/// Three devices, and two users that hold references of them and let them go with them.
const SMALL: &str = "
use kinds

suite small on bare {
    scenario references {
        device second: bare
        device third: bare
        register dev
        register second
        register third
        action one on dev { put second }
        action two on dev { put third }
        action other on second { put third }
        action again on second { put third }
    }
}
";

/// The same in the simulator's terms, for as long as Stateright may want it.
const PROGRAM: Program<'static> = Program {
    devices: &[
        Device::new("dev", &BARE),
        Device::new("second", &BARE),
        Device::new("third", &BARE),
    ],
    actions: &[
        Action::new("one", DeviceId(0), &[Op::Put(DeviceId(1))]),
        Action::new("two", DeviceId(0), &[Op::Put(DeviceId(2))]),
        Action::new("other", DeviceId(1), &[Op::Put(DeviceId(2))]),
        Action::new("again", DeviceId(1), &[Op::Put(DeviceId(2))]),
    ],
    ..Program::EMPTY
};

const BARE: Kind<'static> = Kind::new("bare");

/// How often each is run; the median counts.
const RUNS: usize = 5;

/// A point as Stateright keeps it.
#[derive(Clone, Debug)]
struct Point {
    node: Node<1>,
}

impl Point {
    fn packed(&self) -> Packed {
        let mut packed = Packed::new();
        self.node.pack(&PROGRAM, &mut packed);
        packed
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.packed().as_slice() == other.packed().as_slice()
    }
}

impl Hash for Point {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(self.packed().as_slice());
    }
}

struct Behind {
    bricks: Bricks,
}

impl stateright::Model for Behind {
    type State = Point;
    type Action = Op;

    fn init_states(&self) -> Vec<Point> {
        let node = Node::new(&PROGRAM, [Model::ALL]).expect("a kind that can be set up");
        vec![Point { node }]
    }

    fn actions(&self, _: &Point, actions: &mut Vec<Op>) {
        actions.extend(&self.bricks.alphabet);
    }

    fn next_state(&self, last: &Point, op: Op) -> Option<Point> {
        let mut next = last.clone();
        let came = last
            .node
            .next(&self.bricks, &PROGRAM, [Model::ALL], op, &mut next.node);
        (came == Next::Node).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("contract", |_: &Self, point: &Point| {
            let mut last = point.node;
            let came = point.node.end(&PROGRAM, [Model::ALL], &mut last);
            !matches!(came, Next::Broken(_))
        })]
    }
}

struct Run {
    points: usize,
    transitions: u64,
    took: Duration,
    bytes: usize,
}

fn ours(bricks: &Bricks, threads: usize) -> Run {
    let limits = Limits {
        depth: usize::MAX,
        points: 100_000_000,
        threads,
        wanted: 0,
    };
    let start = Instant::now();
    let mut search = Search::new(bricks, &PROGRAM, [Model::ALL], limits).expect("a kind");
    while !search.is_done() {
        assert_eq!(search.batch().shown.len(), 0, "the contract is kept");
    }
    let &Covered {
        points,
        transitions,
        ..
    } = search.covered();
    Run {
        points,
        transitions,
        took: start.elapsed(),
        bytes: search.bytes(),
    }
}

fn theirs(bricks: &Bricks) -> Run {
    let start = Instant::now();
    let checker = stateright::Model::checker(Behind {
        bricks: bricks.clone(),
    })
    .spawn_bfs()
    .join();
    Run {
        points: checker.unique_state_count(),
        transitions: checker.state_count() as u64 - 1,
        took: start.elapsed(),
        bytes: 0,
    }
}

/// What both ask of the simulator, from every point, with nothing remembered.
fn simulator(bricks: &Bricks, points: &[Node<1>]) -> Run {
    let start = Instant::now();
    let mut packed = Packed::new();
    let (mut transitions, mut kept, mut hashes) = (0, 0, 0);
    let mut next = points[0];
    for node in points {
        let came = node.end(&PROGRAM, [Model::ALL], &mut next);
        kept += usize::from(!matches!(came, Next::Broken(_)));
        for &op in &bricks.alphabet {
            if node.next(bricks, &PROGRAM, [Model::ALL], op, &mut next) == Next::Node {
                hashes ^= next.fingerprint(&PROGRAM, &mut packed);
                transitions += 1;
            }
        }
    }
    std::hint::black_box(hashes);
    Run {
        points: kept,
        transitions,
        took: start.elapsed(),
        bytes: 0,
    }
}

/// Every point.
fn points(bricks: &Bricks) -> Vec<Node<1>> {
    let first = Node::new(&PROGRAM, [Model::ALL]).expect("a kind that can be set up");
    let mut packed = Packed::new();
    let mut seen = HashSet::from([first.fingerprint(&PROGRAM, &mut packed)]);
    let mut points = vec![first];
    let mut at = 0;
    while let Some(&node) = points.get(at) {
        at += 1;
        for &op in &bricks.alphabet {
            let mut next = node;
            let came = node.next(bricks, &PROGRAM, [Model::ALL], op, &mut next);
            if came == Next::Node && seen.insert(next.fingerprint(&PROGRAM, &mut packed)) {
                points.push(next);
            }
        }
    }
    points
}

fn median<'r>(runs: impl Iterator<Item = &'r Run>) -> &'r Run {
    let mut runs: Vec<&Run> = runs.collect();
    runs.sort_by_key(|run| run.took);
    runs[RUNS / 2]
}

fn main() {
    let unit = load_text("small.devres", SMALL).unit;
    let suite = &unit.suites[0];
    let used = all_kinds(&unit)
        .into_iter()
        .find(|used| used.label(&unit) == "bare")
        .expect("a standard kind");
    let bricks = Bricks::of(&unit, suite, &suite.scenarios[0], used);
    let bricks = bricks.expect("a kind that can be that").unreduced();
    bricks.with_program(&unit, |program| assert_eq!(*program, PROGRAM));
    let points = points(&bricks);
    let runs: Vec<[Run; 4]> = (0..RUNS)
        .map(|_| {
            [
                simulator(&bricks, &points),
                theirs(&bricks),
                ours(&bricks, 1),
                ours(&bricks, 2),
            ]
        })
        .collect();
    let of = |which: usize| median(runs.iter().map(|run| &run[which]));
    let [alone, theirs, one, two] = [of(0), of(1), of(2), of(3)];
    for run in [alone, theirs, two] {
        assert_eq!((run.points, run.transitions), (one.points, one.transitions));
    }
    println!(
        "{} points, {} transitions, {:.1} bytes a point of explore's",
        one.points,
        one.transitions,
        one.bytes as f64 / one.points as f64
    );
    for (name, threads, run) in [
        ("the simulator alone", 1.0, alone),
        ("Stateright, one thread", 1.0, theirs),
        ("explore, one thread", 1.0, one),
        ("explore, two threads", 2.0, two),
    ] {
        let each = |run: &Run| run.took.as_secs_f64() / run.transitions as f64;
        println!(
            "{name:24} {:6.2} million transitions a second, {:4.1} times Stateright's; {:+5.0} ns each",
            1e-6 / each(run),
            each(theirs) / each(run),
            1e9 * (each(run) * threads - each(alone))
        );
    }
}

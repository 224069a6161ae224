//! `explore` beside Stateright's breadth first search: one model, the same points, in one run.
//!
//!     cargo bench -p devres-gen-benches --bench explore
//!
//! Both carry out the same operations by the same simulator, know a point by the same bytes, try
//! every program however long, and ask of each point whether it keeps the contract when the
//! program ends there.

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
    let runs: Vec<[Run; 3]> = (0..RUNS)
        .map(|_| [theirs(&bricks), ours(&bricks, 1), ours(&bricks, 2)])
        .collect();
    let of = |which: usize| median(runs.iter().map(|run| &run[which]));
    let [theirs, one, two] = [of(0), of(1), of(2)];
    assert_eq!(
        (theirs.points, theirs.transitions),
        (one.points, one.transitions)
    );
    assert_eq!((two.points, two.transitions), (one.points, one.transitions));
    println!(
        "{} points, {} transitions, {:.1} bytes a point in the table and the ways",
        one.points,
        one.transitions,
        one.bytes as f64 / one.points as f64
    );
    for (name, run) in [
        ("Stateright, one thread", theirs),
        ("explore, one thread", one),
        ("explore, two threads", two),
    ] {
        println!(
            "{name:24} {:6.2} million transitions a second, {:.1} times Stateright's",
            run.transitions as f64 / run.took.as_secs_f64() / 1e6,
            theirs.took.as_secs_f64() / run.took.as_secs_f64()
        );
    }
}

//! The simulator, used by hand: a kind, a program, operations, and what came of them.

use devres_gen::sim::{
    Action, ActionId, Callback, Case, Claim, Device, DeviceId, Driver, DriverId, Errno, Fix, Kind,
    Model, Op, Probe, Program, Recorder, Session,
};

const DEV: DeviceId = DeviceId(0);
const DRV: DriverId = DriverId(0);
const BUFFER: ActionId = ActionId(0);

static GADGET: Kind<'static> = Kind::new("gadget").on_bus();

/// A driver whose first probe has to wait, and that takes a buffer each time.
static PROGRAM: Program<'static> = Program {
    devices: &[Device::new("dev", &GADGET)],
    drivers: &[Driver::new("drv", DEV).probes(&[
        Probe::new(&[Op::AddAction(BUFFER)])
            .attempt(1)
            .fails(Errno::EPROBE_DEFER),
        Probe::new(&[Op::AddAction(BUFFER)]),
    ])],
    actions: &[Action::new("buffer", DEV, &[])],
    ..Program::EMPTY
};

/// As generated tests are written: expectations, and a report when one fails.
#[test]
fn a_probe_that_is_deferred_gives_its_buffer_back() {
    let case = Case::unbound(&GADGET).without(Fix::DelReleasesDevres);
    let mut s = Session::new("by_hand.rs", 0, &PROGRAM, case.model);
    s.at(1).register(DEV);
    s.at(2).register_driver(DRV);
    s.at(3).expect(Claim::ran(BUFFER));
    s.at(4).expect(Claim::Unbound(DEV));
    s.at(5).attach(DEV);
    s.at(6).expect(Claim::Bound(DEV));
    s.at(7).unregister(DEV);
    s.at(8).expect(Claim::ran_times(BUFFER, 2));
    s.at(9).expect(Claim::before(Callback::Remove(DRV), BUFFER));
    s.finish();
}

/// As a tool of one's own would do it: step by step, looking at what is recorded.
#[test]
fn a_gadget_is_held_by_its_bus() {
    let mut recorder = Recorder::new(&PROGRAM, Model::ALL);
    assert_eq!(recorder.run(1, Op::Register(DEV)), Ok(0));
    assert_eq!(recorder.state().device(DEV).refs(), 2);
    let story = recorder.story(0);
    let events: Vec<String> = story.iter().map(|line| line.lay_out(0)).collect();
    assert_eq!(events, ["register dev  dev refs 0 -> 2"]);
}

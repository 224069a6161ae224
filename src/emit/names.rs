//! Names in generated text.
//!
//! Every name of a scenario gets an affix on its way out, so that none can be a
//! keyword or a macro of the target's, or collide with a function of the kernel's.

use crate::ir::{Scenario, Suite};

/// The KUnit suite.
pub fn suite(suite: &Suite) -> String {
    format!("devres_{}", suite.name)
}

/// The C file, which is also the module's name.
pub fn c_file(suite: &Suite) -> String {
    format!("devres-{}-test", suite.name.replace('_', "-"))
}

/// The C function of a scenario, which is also the name of the KUnit case.
pub fn c_test(scenario: &Scenario) -> String {
    format!("{}_test", scenario.name)
}

/// The C function of an action. Those without a body only count, and are shared by
/// the scenarios of a suite.
pub fn c_action(scenario: &Scenario, action: &crate::ir::Action) -> String {
    if action.body.is_empty() {
        format!("record_{}", action.name)
    } else {
        format!("{}_action_{}", scenario.name, action.name)
    }
}

/// The C field that counts how often an action ran.
pub fn c_ran(action: &str) -> String {
    format!("{action}_ran")
}

/// The C field of a device.
pub fn c_device(device: &str) -> String {
    if device == "dev" {
        "device".to_owned()
    } else {
        format!("{device}_device")
    }
}

/// A function of a kind.
pub fn c_kind(kind: &str, what: &str) -> String {
    format!("{kind}_kind_{what}")
}

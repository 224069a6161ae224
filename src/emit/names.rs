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

/// The C field that says when an action last ran.
pub fn c_ran_at(action: &str) -> String {
    format!("{action}_ran_at")
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

/// The Rust module of a suite or a scenario. The names of the language are Rust's too,
/// but for its keywords, and for `main`, which is the file of all modules.
pub fn rust_module(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
        "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
        "return", "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe",
        "unsized", "use", "virtual", "where", "while", "yield",
    ];
    match name {
        // These cannot be raw.
        "main" | "self" | "super" | "crate" => format!("{name}_"),
        _ if KEYWORDS.contains(&name) => format!("r#{name}"),
        _ => name.to_owned(),
    }
}

/// The file of a Rust module, less its ending.
pub fn rust_file(module: &str) -> &str {
    module.strip_prefix("r#").unwrap_or(module)
}

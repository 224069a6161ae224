//! Names in generated text.
//!
//! Every name of a scenario gets an affix on its way out, so that none can be a
//! keyword or a macro of the target's, or collide with a function of the kernel's.

use std::collections::HashMap;
use std::fmt;

use super::wrap::columns;
use crate::ir::{Action, Scenario, Suite};

/// Some text in pieces, which are joined only where it is written: a name in three, and what
/// stands right before and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Joined<'a>([&'a str; 5]);

impl<'a> From<&'a str> for Joined<'a> {
    fn from(text: &'a str) -> Self {
        Joined::new("", text, "")
    }
}

impl<'a> Joined<'a> {
    /// A name.
    pub const fn new(first: &'a str, second: &'a str, third: &'a str) -> Self {
        Joined(["", first, second, third, ""])
    }

    /// The same name between these.
    pub const fn between(self, before: &'a str, behind: &'a str) -> Self {
        let [_, first, second, third, _] = self.0;
        Joined([before, first, second, third, behind])
    }

    /// How wide it is.
    pub fn columns(&self) -> usize {
        self.0.iter().map(|piece| columns(piece)).sum()
    }

    /// Writes it behind a text.
    pub fn push_to(&self, text: &mut String) {
        text.extend(self.0);
    }
}

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(piece))
    }
}

/// The KUnit suite.
pub fn suite(suite: &Suite) -> String {
    format!("devres_{}", with_part(suite))
}

/// The C file, which is also the module's name.
pub fn c_file(suite: &Suite) -> String {
    format!("devres-{}-test", with_part(suite).replace('_', "-"))
}

fn with_part(suite: &Suite) -> String {
    let part = suite.part.iter().map(|part| format!("_{part}"));
    suite.name.clone() + &part.collect::<String>()
}

/// The C function of a scenario, which is also the name of the KUnit case.
pub fn c_test(scenario: &Scenario) -> String {
    format!("{}_test", scenario.name)
}

/// The C functions of the actions of a suite. Those without a body only count, and are
/// shared by its scenarios; the others bear the scenario's name where the suite has more
/// than one of that name.
pub struct Actions<'s> {
    /// How many of a name have a body.
    with_body: HashMap<&'s str, usize>,
}

impl<'s> Actions<'s> {
    /// Those of that suite.
    pub fn of(suite: &'s Suite) -> Self {
        let mut with_body = HashMap::new();
        let all = suite
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.actions);
        for action in all.filter(|action| !action.body.is_empty()) {
            *with_body.entry(action.name.as_str()).or_default() += 1;
        }
        Actions { with_body }
    }

    /// The function of one.
    pub fn function<'n>(&self, scenario: &'n Scenario, action: &'n Action) -> Joined<'n> {
        let name = &action.name;
        if action.body.is_empty() {
            return Joined::new("record_", name, "");
        }
        match self.with_body.get(name.as_str()) {
            Some(1) => Joined::new("action_", name, ""),
            _ => Joined::new(&scenario.name, "_action_", name),
        }
    }
}

/// The C field that counts how often an action ran.
pub fn c_ran(action: &str) -> Joined<'_> {
    Joined::new(action, "_ran", "")
}

/// The C field that counts how often an action was added.
pub fn c_added(action: &str) -> Joined<'_> {
    Joined::new(action, "_added", "")
}

/// The C field that says when an action last ran.
pub fn c_ran_at(action: &str) -> Joined<'_> {
    Joined::new(action, "_ran_at", "")
}

/// The C field of a device.
pub fn c_device(device: &str) -> Joined<'_> {
    match device {
        "dev" => "dev".into(),
        _ => Joined::new(device, "_device", ""),
    }
}

/// The C field of an open file.
pub fn c_file_of(handle: &str) -> Joined<'_> {
    Joined::new(handle, "_file", "")
}

/// The C field of memory or a resource.
pub fn c_memory(name: &str) -> Joined<'_> {
    Joined::new(name, "_memory", "")
}

/// The C field whose address is the id of a group of resources.
pub fn c_group(group: &str) -> Joined<'_> {
    Joined::new(group, "_group", "")
}

/// The C field of a driver; `NAME.driver` is the one that keeps device NAME bound.
pub fn c_driver(driver: &str) -> Joined<'_> {
    match driver.strip_suffix(".driver") {
        Some(device) => c_driver_of(device),
        None => Joined::new(driver, "_driver", ""),
    }
}

/// The C field of the driver that keeps a device bound.
pub fn c_driver_of(device: &str) -> Joined<'_> {
    match device {
        "dev" => "dev_driver".into(),
        _ => Joined::new(device, "_device", "_driver"),
    }
}

/// The constant by which a kind's table of drivers is indexed.
pub fn c_driver_slot(driver: &str, devices: &[&str]) -> String {
    /// Names of devices, together.
    const LONGEST: usize = 16;
    if let Some(device) = driver.strip_suffix(".driver") {
        return format!("driver_of_{device}").to_ascii_uppercase();
    }
    let mut names = devices.join("_and_");
    if let ([first, others @ .., _], true) = (devices, names.len() > LONGEST) {
        names = format!("{first}_and_{}_{:06x}", others.len() + 1, hash(&names));
    }
    format!("{driver}_for_{names}").to_ascii_uppercase()
}

/// The name that a device or a driver has in sysfs. Some buses keep names in fields of
/// 20 bytes, so that a long one is cut; its hash keeps it apart from others.
pub fn c_device_name(name: &str) -> String {
    const LONGEST: usize = 12;
    if name.len() <= LONGEST {
        return format!("devres-{name}");
    }
    format!("devres-{}-{:06x}", &name[..LONGEST - 7], hash(name))
}

/// Three bytes.
fn hash(name: &str) -> u32 {
    let hash = name.bytes().fold(0u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    hash & 0xff_ffff
}

/// The object of a kind that is not one of the table.
pub fn c_kind_object(kind: &str) -> String {
    format!("{kind}_kind")
}

/// The C function of a driver's probe or remove.
pub fn c_callback(scenario: &Scenario, driver: &str, callback: &str) -> String {
    format!("{}_{driver}_{callback}", scenario.name)
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
        // These cannot be raw, or are files that cargo knows.
        "lib" | "main" | "self" | "super" | "crate" => format!("{name}_"),
        _ if KEYWORDS.contains(&name) => format!("r#{name}"),
        _ => name.to_owned(),
    }
}

/// The file of a Rust module, less its ending.
pub fn rust_file(module: &str) -> &str {
    module.strip_prefix("r#").unwrap_or(module)
}

//! The C of the kinds of a suite: making, unmaking and binding a device.

use std::collections::BTreeSet;

use super::{DriverObject, File, Function};
use crate::emit::names;
use crate::emit::wrap::braces;
use crate::ir::{CKey, Kind, KindC, KindId, KindUse, Unit};
use crate::syntax::ast::Release;

/// The lines of a function's body.
fn indent(lines: Vec<String>) -> Vec<String> {
    let indent = |line: String| {
        if line.is_empty() {
            line
        } else {
            format!("\t{line}")
        }
    };
    lines.into_iter().map(indent).collect()
}

impl File {
    /// The functions of each kind, once, and a row of the table for each use.
    pub(super) fn kinds(&mut self, unit: &Unit, uses: &[(KindUse, &Kind, &KindC)]) {
        for (_, kind, _) in uses {
            self.uses.wrapped |= kind.release == Release::Wrapped;
            self.uses.owned |= kind.release == Release::Owned;
        }
        let mut made: BTreeSet<KindId> = BTreeSet::new();
        for (used, kind, c) in uses {
            if made.insert(used.kind) {
                let bound = uses
                    .iter()
                    .any(|(other, ..)| other.kind == used.kind && other.bound);
                self.kind(kind, c, bound);
            }
            self.row(unit, *used, kind, c);
        }
    }

    fn row(&mut self, unit: &Unit, used: KindUse, kind: &Kind, c: &KindC) {
        let mut row = vec![format!("\"{}\"", used.label(unit))];
        row.extend([CKey::Create, CKey::Destroy].map(|key| function(kind, c, key)));
        if used.bound {
            let driver = [CKey::RegisterDriver, CKey::UnregisterDriver];
            row.extend(driver.map(|key| function(kind, c, key)));
        }
        if kind.release == Release::Wrapped && self.uses.owned {
            row.push(".wrap_release = true".to_owned());
        }
        self.rows.extend(braces(&row));
    }

    fn kind(&mut self, kind: &Kind, c: &KindC, bound: bool) {
        if kind.release == Release::Owned {
            let mut lines = vec!["ctx.device.freed = true;".to_owned()];
            if self.trace {
                lines.push("log_event(\"release dev\");".to_owned());
            }
            let given = filled(kind, c, CKey::Release);
            match bare_name(&given) {
                Some(name) => lines.push(format!("{name}(dev);")),
                None => lines.extend(given),
            }
            let head = format!(
                "static void {}(struct device *dev)",
                own(kind, CKey::Release)
            );
            self.kind_functions.push(Function::new(head, indent(lines)));
        }
        self.kind_functions
            .extend(body(kind, c, CKey::Create, "static struct device *@(void)"));
        self.kind_functions.extend(body(
            kind,
            c,
            CKey::Destroy,
            "static void @(struct device *dev)",
        ));
        if bound {
            self.driver(kind, c);
        }
    }

    fn driver(&mut self, kind: &Kind, c: &KindC) {
        self.uses.drivers = true;
        let name = |what: &str| names::c_kind(&kind.name, what);
        let argument = c.line(CKey::Probe);
        // The driver core is content with a driver that has neither.
        if self.trace {
            self.kind_functions.push(Function::new(
                format!("static int {}({argument})", name("probe")),
                vec![
                    format!("\tctx.device.dev = {};", c.line(CKey::Device)),
                    "\tlog_event(\"probe driver dev\");".to_owned(),
                    "\treturn 0;".to_owned(),
                ],
            ));
            self.kind_functions.push(Function::new(
                format!("static void {}({argument})", name("remove")),
                vec!["\tlog_event(\"remove driver dev\");".to_owned()],
            ));
        }
        let register = body(kind, c, CKey::RegisterDriver, "static int @(void)");
        let unregister = body(kind, c, CKey::UnregisterDriver, "static void @(void)");
        self.drivers.push(DriverObject {
            object_type: c.line(CKey::Driver).to_owned(),
            object: name("driver"),
            probe: name("probe"),
            remove: name("remove"),
            functions: register.into_iter().chain(unregister).collect(),
        });
    }
}

/// The function that a section stands for: its own, or the one that it names.
fn function(kind: &Kind, c: &KindC, key: CKey) -> String {
    bare_name(&filled(kind, c, key)).map_or_else(|| own(kind, key), str::to_owned)
}

fn own(kind: &Kind, key: CKey) -> String {
    names::c_kind(&kind.name, key.as_str())
}

/// A section as a function with the name in the place of `@`, unless it names one.
fn body(kind: &Kind, c: &KindC, key: CKey, head: &str) -> Option<Function> {
    let lines = filled(kind, c, key);
    let head = head.replace('@', &own(kind, key));
    bare_name(&lines)
        .is_none()
        .then(|| Function::new(head, indent(lines)))
}

/// A section of a kind's C, with its placeholders filled in.
fn filled(kind: &Kind, c: &KindC, key: CKey) -> Vec<String> {
    let fill = |line: &str| {
        line.replace("$name", "KBUILD_MODNAME")
            .replace("$release", &own(kind, CKey::Release))
            .replace("$driver", &own(kind, CKey::Driver))
    };
    c.lines(key).map(fill).collect()
}

/// A section that is one bare name is no function's body, but that function.
fn bare_name(lines: &[String]) -> Option<&str> {
    let [line] = lines else { return None };
    let is_name = !line.is_empty() && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some(line)
}

//! The C of the kinds of a suite: making, unmaking and binding a device.

use std::collections::BTreeSet;

use super::{File, ids};
use crate::emit::lines::Lines;
use crate::emit::names;
use crate::emit::names::Joined;
use crate::expand;
use crate::ir::{CKey, Kind, KindC, KindId, KindUse, Suite, Unit};
use crate::sim::Handles;
use crate::syntax::ast::Release;

/// A driver that a scenario declares, or that keeps a device of its own bound.
struct Slot {
    /// Its name in the scenario, and those of the devices that it is for.
    driver: String,
    devices: Vec<String>,
    /// The kinds that the devices may be of.
    kinds: BTreeSet<KindId>,
}

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

fn function(head: String, lines: Vec<String>) -> Vec<String> {
    let mut text = vec![head, "{".to_owned()];
    text.extend(lines);
    text.push("}".to_owned());
    text
}

impl File<'_> {
    /// What each kind needs, once, and a row of the table for each use.
    pub(super) fn kinds(&mut self, unit: &Unit, suite: &Suite, kinds: &BTreeSet<KindId>) {
        let slots = slots(suite);
        self.driver_slots = slots.iter().map(Slot::constant).collect();
        for &id in kinds {
            let kind = unit.kind(id);
            let Some(c) = &kind.c else { continue };
            let bound = suite.kinds.iter().any(|used| used.kind == id && used.bound);
            let own: Vec<&Slot> = slots
                .iter()
                .filter(|slot| slot.kinds.contains(&id))
                .collect();
            self.kind(kind, c, bound, &own);
        }
        self.set_up_of(unit, kinds);
        for id in self.objects(suite) {
            let kind = unit.kind(id);
            let used = KindUse {
                kind: id,
                bound: false,
                own: kind.drivers.own,
                parent: None,
                span: kind.span,
            };
            let has_slots = slots.iter().any(|slot| slot.kinds.contains(&id));
            let mut lines = vec![format!(
                "static const struct test_kind {} = {{",
                names::c_kind_object(&kind.name)
            )];
            let fields = self.fields(unit, &used, has_slots);
            lines.extend(fields.into_iter().map(|field| format!("\t{field},")));
            lines.push("};".to_owned());
            self.kind_parts.push(lines);
        }
        for used in &suite.kinds {
            let has_slots = slots.iter().any(|slot| slot.kinds.contains(&used.kind));
            let fields = self.fields(unit, used, has_slots);
            match fields.first() {
                Some(field) if field.starts_with('.') => {
                    self.rows.line(format_args!("\t{{"));
                    for field in &fields {
                        self.rows.line(format_args!("\t\t{field},"));
                    }
                    self.rows.line(format_args!("\t}},"));
                }
                _ => self.rows.braces(&fields),
            }
        }
    }

    /// The kinds of which an object is needed: those of declared devices and of parents.
    fn objects(&self, suite: &Suite) -> BTreeSet<KindId> {
        let devices = suite
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.devices);
        let declared = devices.filter_map(|device| device.kind);
        let parents = suite.kinds.iter().filter_map(|used| used.parent);
        declared.chain(parents).collect()
    }

    /// The fields of a `struct test_kind`. One that others do not have is named, and then all are.
    fn fields(&self, unit: &Unit, used: &KindUse, has_slots: bool) -> Vec<String> {
        let kind = unit.kind(used.kind);
        let Some(c) = &kind.c else { return vec![] };
        let of = |key: CKey| (key.as_str(), name_of(kind, c, key));
        let mut fields = vec![("name", format!("\"{}\"", used.label(unit)))];
        fields.extend([CKey::Create, CKey::Destroy].map(of));
        let driver = [CKey::RegisterDriver, CKey::UnregisterDriver];
        if used.bound {
            fields.extend(driver.map(of));
            fields.push(("driver", format!("&{}.driver", own(kind, "driver"))));
        }
        let common = fields.len();
        if has_slots {
            if !used.bound {
                fields.extend(driver.map(of));
            }
            fields.push(("drivers", own(kind, "drivers")));
        }
        if self.uses.halves && kind.halves {
            fields.extend([CKey::Init, CKey::Add, CKey::Del].map(of));
        }
        if self.uses.handles && kind.handles != Handles::None {
            fields.push(("devt", own(kind, "devt")));
        }
        if self.uses.asked && c.sections.contains_key(&CKey::Use) {
            fields.push(of(CKey::Use));
        }
        if self.uses.objects && kind.handles == Handles::Object {
            fields.push(("object_action", own(kind, "object_action")));
        }
        if let Some(parent) = used.parent {
            let parent = names::c_kind_object(&unit.kind(parent).name);
            fields.push(("parent", format!("&{parent}")));
        }
        if kind.release != Release::Owned && self.uses.wrapped && self.uses.owned {
            fields.push(("wrap_release", "true".to_owned()));
        }
        let named = fields.len() > common;
        let fields = fields.into_iter();
        let field = |(name, value)| match named {
            true => format!(".{name} = {value}"),
            false => value,
        };
        fields.map(field).collect()
    }

    fn kind(&mut self, kind: &Kind, c: &KindC, bound: bool, slots: &[&Slot]) {
        if let Some(lines) = c.sections.get(&CKey::Global) {
            let lines = lines.iter().map(|line| line.value.clone());
            self.kind_parts.push(lines.collect());
        }
        self.body(kind, c, CKey::Setup, "static int @(void)");
        self.body(kind, c, CKey::Teardown, "static void @(void)");
        if kind.release == Release::Owned {
            self.owned_release(kind, c);
        }
        let maker = format!("static struct device *@({})", self.maker());
        let unmaker = "static void @(struct device *dev)";
        let by_halves = self.uses.halves && kind.halves;
        if by_halves || c.lines(CKey::Create).any(|line| line.contains("$init")) {
            self.body(kind, c, CKey::Init, &maker);
        }
        self.body(kind, c, CKey::Create, &maker);
        self.body(kind, c, CKey::Destroy, unmaker);
        if self.uses.handles && kind.handles != Handles::None {
            let head = format!("static dev_t {}(struct device *dev)", own(kind, "devt"));
            let line = format!("\treturn {};", c.line(CKey::Devt));
            self.kind_parts.push(function(head, vec![line]));
        }
        if self.uses.asked {
            self.body(kind, c, CKey::Use, "static int @(struct file *file)");
        }
        if self.uses.objects && kind.handles == Handles::Object {
            let head = "static int @(struct device *dev, void (*action)(void *data))";
            self.body(kind, c, CKey::ObjectAction, head);
        }
        if by_halves {
            self.body(kind, c, CKey::Add, "static int @(struct device *dev)");
            self.body(kind, c, CKey::Del, unmaker);
        }
        if bound || !slots.is_empty() {
            self.drivers_of(kind, c, bound, slots);
        }
    }

    fn owned_release(&mut self, kind: &Kind, c: &KindC) {
        let mut lines = Vec::new();
        if self.uses.several {
            lines.push("struct test_device *td = find_test_device(dev);".to_owned());
            lines.push(String::new());
            lines.push("if (td) {".to_owned());
            lines.push("\ttd->freed = true;".to_owned());
            if self.trace {
                lines.push("\tlog_event(\"release\", log_device(td), NULL);".to_owned());
            }
            let why = "/* the next device may have the same address */";
            lines.push(format!("\ttd->dev = NULL; {why}"));
            lines.push("}".to_owned());
        } else if self.uses.observed {
            lines.push("ctx.dev.freed = true;".to_owned());
        }
        let given = self.filled(kind, c, CKey::Release);
        match bare_name(&given) {
            Some(name) => lines.push(format!("{name}(dev);")),
            None => lines.extend(given),
        }
        let head = format!("static void {}(struct device *dev)", own(kind, "release"));
        self.kind_parts.push(function(head, indent(lines)));
    }

    fn drivers_of(&mut self, kind: &Kind, c: &KindC, bound: bool, slots: &[&Slot]) {
        if let Some(lines) = c.sections.get(&CKey::DriverGlobal) {
            let lines = lines.iter().map(|line| line.value.clone());
            self.kind_parts.push(lines.collect());
        }
        let argument = c.line(CKey::Probe);
        if self.uses.callbacks {
            let device = c.line(CKey::Device);
            let parameters: Vec<Joined<'_>> = argument.split(", ").map(Joined::from).collect();
            let probe = own(kind, "probe");
            let mut head = Lines::default();
            head.call("", Joined::new("static int ", &probe, ""), &parameters, "");
            let line = format!("\treturn test_probe({device});");
            self.kind_parts
                .push(function(head.without_end(), vec![line]));
            let argument = parameters[0];
            let head = format!("static void {}({argument})", own(kind, "remove"));
            let line = format!("\ttest_remove({device});");
            self.kind_parts.push(function(head, vec![line]));
        }
        if bound {
            let object = own(kind, "driver");
            let name = self.name_of_dev();
            self.driver_object(kind, c, &object, &name, &["dev".to_owned()]);
        }
        for slot in slots {
            let name = format!("\"{}\"", names::c_device_name(&slot.driver));
            self.driver_object(kind, c, &slot.object(kind), &name, &slot.devices);
        }
        if !slots.is_empty() {
            let head = format!(
                "static struct device_driver *const {}[] = {{",
                own(kind, "drivers")
            );
            let rows = slots
                .iter()
                .map(|slot| format!("\t[{}] = &{}.driver,", slot.constant(), slot.object(kind)));
            let lines = std::iter::once(head).chain(rows);
            self.kind_parts
                .push(lines.chain(["};".to_owned()]).collect());
        }
        let register = "static int @(struct device_driver *driver)";
        self.body(kind, c, CKey::RegisterDriver, register);
        let unregister = "static void @(struct device_driver *driver)";
        self.body(kind, c, CKey::UnregisterDriver, unregister);
    }

    /// The driver core is content with a driver that has neither probe nor remove.
    fn driver_object(
        &mut self,
        kind: &Kind,
        c: &KindC,
        object: &str,
        name: &str,
        devices: &[String],
    ) {
        let mut lines = vec![format!("static {} {object} = {{", c.line(CKey::Driver))];
        if self.uses.callbacks {
            for (key, usual) in [(CKey::ProbeMember, "probe"), (CKey::Remove, "remove")] {
                let member = match c.line(key) {
                    "" => usual,
                    member => member,
                };
                lines.push(format!("\t.{member} = {},", own(kind, usual)));
            }
            let devices = devices.iter();
            let devices: Vec<String> = devices
                .map(|device| format!("\"{}\"", names::c_device_name(device)))
                .collect();
            let matches = self.filled(kind, c, CKey::Match);
            let matches = matches
                .iter()
                .flat_map(|line| ids::line_for(line, &devices));
            lines.extend(indent(matches.collect()));
        }
        lines.push("\t.driver = {".to_owned());
        lines.push(format!("\t\t.name = {name},"));
        lines.push("\t\t.probe_type = PROBE_FORCE_SYNCHRONOUS,".to_owned());
        lines.push("\t\t.suppress_bind_attrs = true,".to_owned());
        lines.push("\t},".to_owned());
        lines.push("};".to_owned());
        self.kind_parts.push(lines);
    }

    /// What the device under test and its driver are called, as an expression: as the module
    /// where it is the only device, if a bus has room for that (32 bytes with spi).
    fn name_of_dev(&self) -> String {
        const ROOM: usize = 31;
        let module = self.kunit_name.len() + "_test".len();
        if self.uses.several || module > ROOM {
            format!("\"{}\"", names::c_device_name("dev"))
        } else {
            "KBUILD_MODNAME".to_owned()
        }
    }

    /// A section as a function with its name in the place of `@`, unless it names one.
    fn body(&mut self, kind: &Kind, c: &KindC, key: CKey, head: &str) {
        let lines = self.filled(kind, c, key);
        if lines.is_empty() || bare_name(&lines).is_some() {
            return;
        }
        let head = head.replace('@', &own(kind, key.as_str()));
        self.kind_parts.push(function(head, indent(lines)));
    }

    /// A section of a kind's C, with its placeholders filled in.
    fn filled(&self, kind: &Kind, c: &KindC, key: CKey) -> Vec<String> {
        let own = self.name_of_dev();
        let name = match self.uses.several {
            true => "td->name",
            false => own.as_str(),
        };
        let parent = match self.uses.parent_of {
            true => "parent_of(td)",
            false => "NULL",
        };
        let init = names::c_kind(&kind.name, "init");
        let fill = |line: &str| {
            line.replace("$name", name)
                .replace("$parent", parent)
                .replace("$release", &names::c_kind(&kind.name, "release"))
                .replace("$test", "ctx.test")
                .replace("$init", &format!("{init}({})", self.made_from()))
        };
        let lines = c.lines(key);
        match self.uses.parent_of {
            true => lines.map(fill).collect(),
            false => lines
                .filter_map(without_parent)
                .map(|line| fill(&line))
                .collect(),
        }
    }

    /// What kinds want to be done before the first case and after the last.
    fn set_up_of(&mut self, unit: &Unit, kinds: &BTreeSet<KindId>) {
        let kinds = kinds.iter().map(|&id| unit.kind(id));
        let with_c = kinds.filter_map(|kind| Some((kind, kind.c.as_ref()?)));
        let calls: Vec<(String, String)> = with_c
            .filter(|(_, c)| c.sections.contains_key(&CKey::Setup))
            .map(|(kind, c)| {
                (
                    name_of(kind, c, CKey::Setup),
                    name_of(kind, c, CKey::Teardown),
                )
            })
            .collect();
        let files = ["mount_test_files", "unmount_test_files"].map(str::to_owned);
        let files = self.uses.handles.then(|| files.into());
        let calls: Vec<_> = files.into_iter().chain(calls).collect();
        let down = |calls: &[(String, String)], tabs: &str| -> Vec<String> {
            let calls = calls.iter().rev();
            calls.map(|(_, down)| format!("{tabs}{down}();")).collect()
        };
        self.set_down = down(&calls, "\t");
        if let [(only, _)] = calls.as_slice() {
            self.set_up = vec![format!("\treturn {only}();")];
            return;
        }
        for (index, (up, _)) in calls.iter().enumerate() {
            if index == 0 {
                self.set_up = vec!["\tint ret;".to_owned(), String::new()];
            }
            self.set_up.push(format!("\tret = {up}();"));
            if index == 0 {
                self.set_up.push("\tif (ret)".to_owned());
                self.set_up.push("\t\treturn ret;".to_owned());
                continue;
            }
            self.set_up.push("\tif (ret) {".to_owned());
            self.set_up.extend(down(&calls[..index], "\t\t"));
            self.set_up.push("\t\treturn ret;".to_owned());
            self.set_up.push("\t}".to_owned());
        }
        if !calls.is_empty() {
            self.set_up.push("\treturn 0;".to_owned());
        }
    }
}

/// The drivers of a suite's scenarios, each once for a name and its devices.
fn slots(suite: &Suite) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for scenario in &suite.scenarios {
        let device = |id: crate::sim::DeviceId| &scenario.devices[usize::from(id.0)];
        let declared = scenario.drivers.iter();
        let declared = declared.map(|driver| {
            let devices = driver.devices.iter().map(device);
            (driver.name.clone(), devices.collect::<Vec<_>>())
        });
        let bound = expand::bound_devices(scenario)
            .map(|(_, device)| (expand::bound_driver(&device.name), vec![device]));
        for (driver, devices) in declared.chain(bound) {
            let kinds = match devices[0].kind {
                Some(kind) => BTreeSet::from([kind]),
                None => scenario.kinds.iter().map(|used| used.kind).collect(),
            };
            let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
            let known = slots
                .iter_mut()
                .find(|slot| slot.driver == driver && slot.devices == names);
            match known {
                Some(slot) => slot.kinds.extend(kinds),
                None => slots.push(Slot {
                    driver,
                    devices: names,
                    kinds,
                }),
            }
        }
    }
    slots
}

impl Slot {
    fn constant(&self) -> String {
        let devices: Vec<&str> = self.devices.iter().map(String::as_str).collect();
        names::c_driver_slot(&self.driver, &devices)
    }

    fn object(&self, kind: &Kind) -> String {
        own(kind, &self.constant().to_ascii_lowercase())
    }
}

/// The function that a section stands for: its own, or the one that it names.
fn name_of(kind: &Kind, c: &KindC, key: CKey) -> String {
    let lines: Vec<String> = c.lines(key).map(str::to_owned).collect();
    bare_name(&lines).map_or_else(|| own(kind, key.as_str()), str::to_owned)
}

fn own(kind: &Kind, what: &str) -> String {
    names::c_kind(&kind.name, what)
}

/// A line of a section for who hangs below nothing: the memory of devices is zeroed.
fn without_parent(line: &str) -> Option<String> {
    let sets_it = line.trim_end_matches([';', ',']).ends_with(" = $parent");
    (!sets_it).then(|| line.replace("$parent ?: ", ""))
}

/// A section that is one bare name is no function's body, but that function.
fn bare_name(lines: &[String]) -> Option<&str> {
    let [line] = lines else { return None };
    is_name(line).then_some(line)
}

/// Whether that is a name and nothing else.
pub(crate) fn is_name(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

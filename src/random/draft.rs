//! A scenario as it grows: what it declares, and statements that may come next. Whether they may is
//! not asked here.

use fastrand::Rng;

use crate::explore::all_kinds;
use crate::ir::{Kind, KindUse, Unit};
use crate::sim::Handles;

/// Bodies within bodies.
const DEEPEST: usize = 2;

/// The text so far, and the names in it.
#[derive(Clone, Debug)]
pub(super) struct Draft<'u> {
    text: String,
    devices: Vec<Named<'u>>,
    drivers: Vec<String>,
    /// What `remove` and `release` take off a list: actions and resources.
    actions: Vec<String>,
    resources: Vec<String>,
    memory: Vec<String>,
    groups: Vec<String>,
    /// Files, and whose.
    handles: Vec<(String, String)>,
    names: usize,
}

#[derive(Clone, Debug)]
struct Named<'u> {
    name: String,
    kind: &'u Kind,
    bound: bool,
}

impl<'u> Draft<'u> {
    /// Devices, drivers for some of them, and what most scenarios begin with.
    pub(super) fn begin(unit: &'u Unit, used: KindUse, random: &mut Rng) -> Draft<'u> {
        let mut draft = Draft {
            text: String::new(),
            devices: vec![Named {
                name: "dev".to_owned(),
                kind: unit.kind(used.kind),
                bound: used.bound,
            }],
            drivers: vec![],
            actions: vec![],
            resources: vec![],
            memory: vec![],
            groups: vec![],
            handles: vec![],
            names: 0,
        };
        let all = all_kinds(unit);
        for name in ["one", "two", "three"]
            .into_iter()
            .take(random.usize(0..=3))
        {
            draft.device(unit, &all, name, random);
        }
        for _ in 0..random.usize(0..=2) {
            draft.driver(random);
        }
        for driver in draft.drivers.clone() {
            if random.bool() {
                draft.line(&format!("register {driver}"));
            }
        }
        draft.line("register dev");
        draft
    }

    pub(super) fn text(&self) -> &str {
        self.text.trim_end()
    }

    /// One statement more.
    pub(super) fn go_on(&mut self, random: &mut Rng) {
        let statement = self.statement(random, 0);
        self.line(&statement);
    }

    fn line(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn device(&mut self, unit: &'u Unit, all: &[KindUse], name: &str, random: &mut Rng) {
        let Some(used) = random.choice(all) else {
            return;
        };
        let like = random.choice(&self.devices).cloned();
        let (of, kind, bound) = match like.filter(|_| random.u8(..4) == 0) {
            Some(like) => (format!(" like {}", like.name), like.kind, false),
            None => {
                let of = format!(": {}", used.spelled(unit));
                (of, unit.kind(used.kind), used.bound)
            }
        };
        let parent = match kind.takes_parent() && random.u8(..100) < 60 {
            true => random
                .choice(&self.devices)
                .map(|parent| format!(" parent {}", parent.name)),
            false => None,
        };
        let parent = parent.unwrap_or_default();
        self.line(&format!("device {name}{of}{parent}"));
        self.devices.push(Named {
            name: name.to_owned(),
            kind,
            bound,
        });
    }

    fn driver(&mut self, random: &mut Rng) {
        let has_driver =
            |device: &&Named<'_>| device.kind.on_bus && !device.kind.driverless && !device.bound;
        let free: Vec<Named<'_>> = self.devices.iter().filter(has_driver).cloned().collect();
        let Some(device) = random.choice(&free) else {
            return;
        };
        let mut devices = device.name.clone();
        let is_like =
            |other: &&Named<'_>| other.name != device.name && other.kind.name == device.kind.name;
        if let Some(other) = free.iter().find(is_like).filter(|_| random.bool()) {
            devices += &format!(", {}", other.name);
        }
        let probes: &[&str] = match random.u8(..3) {
            0 => &["probe"],
            1 => &["probe 1", "probe 2"],
            _ => &["probe 1", "probe"],
        };
        let mut entries = Vec::new();
        for probe in probes {
            let mut body = self.body(random, 1, 3);
            let errors = ["ENODEV", "EPROBE_DEFER", "EIO"];
            if random.u8(..100) < 35
                && let Some(error) = random.choice(&errors)
            {
                body.push(format!("return {error}"));
            }
            entries.push(format!("{probe} {{ {} }}", body.join("; ")));
        }
        if random.bool() {
            entries.push(format!(
                "remove {{ {} }}",
                self.body(random, 1, 2).join("; ")
            ));
        }
        let name = format!("driver{}", self.drivers.len() + 1);
        let entries = entries.join("; ");
        self.line(&format!("driver {name} for {devices} {{ {entries} }}"));
        self.drivers.push(name);
    }

    fn body(&mut self, random: &mut Rng, depth: usize, most: usize) -> Vec<String> {
        let count = random.usize(0..=most);
        (0..count).map(|_| self.statement(random, depth)).collect()
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}{}", self.names)
    }

    fn statement(&mut self, random: &mut Rng, depth: usize) -> String {
        let device = random.usize(..self.devices.len());
        let Named {
            name: dev, kind, ..
        } = self.devices[device].clone();
        let other = self.devices[random.usize(..self.devices.len())]
            .name
            .clone();
        let some = match random.u8(..100) {
            0..16 => Some(format!("register {dev}")),
            16..30 => Some(format!("unregister {dev}")),
            30..38 => Some(format!("get {dev}")),
            38..47 => Some(format!("put {dev}")),
            47..60 => {
                let of_object = kind.handles == Handles::Object && random.bool();
                let on = if of_object { ".object" } else { "" };
                Some(self.action(&format!("{dev}{on}"), random, depth))
            }
            60..65 => random.choice(&self.drivers).and_then(|drv| {
                let does = random.choice(["register", "register", "unregister"]);
                does.map(|does| format!("{does} {drv}"))
            }),
            65..71 if kind.on_bus => {
                let bind = random
                    .choice(&self.drivers)
                    .map(|drv| format!("bind {dev} to {drv}"));
                let does = [format!("unbind {dev}"), format!("attach {dev}")];
                let bind = bind.filter(|_| random.u8(..3) == 0);
                bind.or_else(|| random.choice(&does).cloned())
            }
            71..76 if kind.halves => {
                let does = random.choice(["init", "add", "del"]);
                does.map(|does| format!("{does} {dev}"))
            }
            76..81 => Some(self.link(&dev, &other, random)),
            81..87 => self.file(random, &dev, kind),
            87..91 => self.group(random, &dev),
            91..96 => self.memory(random, &dev, depth),
            96..99 => random.choice(["remove", "release"]).and_then(|does| {
                let action = random.choice(&self.actions);
                action.map(|action| format!("{does} {action}"))
            }),
            _ if depth == 0 => Some("settle".to_owned()),
            _ => None,
        };
        some.unwrap_or_else(|| format!("register {dev}"))
    }

    fn action(&mut self, dev: &str, random: &mut Rng, depth: usize) -> String {
        let name = self.name("action");
        let body = match depth < DEEPEST {
            true => self.body(random, depth + 1, 2),
            false => vec![],
        };
        self.actions.push(name.clone());
        match body.as_slice() {
            [] => format!("action {name} on {dev}"),
            body => format!("action {name} on {dev} {{ {} }}", body.join("; ")),
        }
    }

    fn link(&self, dev: &str, other: &str, random: &mut Rng) -> String {
        let link = format!("link {dev} to {other}");
        match random.u8(..8) {
            0 => format!("unlink {dev} from {other}"),
            1 => format!("{link} stateless"),
            2 => format!("{link} while {dev} bound"),
            3 => format!("{link} while {other} bound"),
            4 => format!("{link} autoprobe"),
            _ => link,
        }
    }

    fn file(&mut self, random: &mut Rng, dev: &str, kind: &Kind) -> Option<String> {
        let known = random.choice(&self.handles).cloned();
        if let Some((file, of)) = known.filter(|_| random.u8(..4) > 0) {
            let does = [
                format!("close {file}"),
                format!("use {file}"),
                format!("open {of} as {file}"),
            ];
            return random.choice(&does).cloned();
        }
        (kind.handles != Handles::None).then(|| {
            let file = self.name("file");
            self.handles.push((file.clone(), dev.to_owned()));
            format!("open {dev} as {file}")
        })
    }

    fn group(&mut self, random: &mut Rng, dev: &str) -> Option<String> {
        let known = random.choice(&self.groups).cloned();
        match known.filter(|_| random.bool()) {
            Some(group) => {
                let does = ["close", "release", "remove"];
                random.choice(&does).map(|does| format!("{does} {group}"))
            }
            None => {
                let group = self.name("group");
                self.groups.push(group.clone());
                Some(format!("group {group} on {dev}"))
            }
        }
    }

    fn memory(&mut self, random: &mut Rng, dev: &str, depth: usize) -> Option<String> {
        if random.bool() {
            let memory = random.choice(&self.memory).and_then(|memory| {
                let does = random.choice(["free", "realloc", "use"]);
                does.map(|does| format!("{does} {memory}"))
            });
            let resource = random.choice(&self.resources).and_then(|resource| {
                let does = [
                    "free", "use", "add", "get", "find", "destroy", "remove", "release",
                ];
                let does = random.choice(does);
                does.map(|does| format!("{does} {resource}"))
            });
            return random.choice([memory, resource]).flatten();
        }
        Some(match random.u8(..3) {
            0 => {
                let name = self.name("memory");
                self.memory.push(name.clone());
                format!("memory {name}")
            }
            1 => {
                let name = self.name("memory");
                self.memory.push(name.clone());
                format!("memory {name} on {dev}")
            }
            _ => {
                let name = self.name("resource");
                let body = match depth < DEEPEST {
                    true => self.body(random, depth + 1, 1),
                    false => vec![],
                };
                self.resources.push(name.clone());
                match body.as_slice() {
                    [] => format!("resource {name} on {dev}"),
                    body => format!("resource {name} on {dev} {{ {} }}", body.join("; ")),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::library;
    use crate::reference;

    /// They are over the whole language: nobody is asked about what never comes up.
    #[test]
    fn every_operation_comes_up() {
        let unit = library();
        let kinds = all_kinds(&unit);
        let mut random = Rng::with_seed(1);
        let mut text = String::new();
        for _ in 0..200 {
            let used = kinds[random.usize(..kinds.len())];
            let mut draft = Draft::begin(&unit, used, &mut random);
            (0..10).for_each(|_| draft.go_on(&mut random));
            text += draft.text();
        }
        let is_there = |word: &&str| {
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|known| known == *word)
        };
        let words = reference::of("words");
        let words = words.iter().filter_map(|form| form.split(' ').next());
        // Of what comes of them, and of orders, others speak.
        let operations = words.filter(|word| !["expect", "finally", "in"].contains(word));
        let missing: Vec<&str> = operations.filter(|word| !is_there(word)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

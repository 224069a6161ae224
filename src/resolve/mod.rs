//! From tree to IR: every name is looked up, once.
//!
//! A name that is not known is reported where it stands, and the statement around
//! it is left out; nothing that only follows from it is reported later.

mod expect;
mod names;
mod orders;
mod scenario;
mod verbs;

use std::collections::{BTreeMap, BTreeSet};

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink, nearest};
use crate::emit::TARGET;
use crate::ir;
use crate::sim::{Drivers, Handles};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::{self, Name};
use scenario::ScenarioResolver;

/// The files of one run.
#[derive(Debug)]
pub struct Files<'f> {
    /// The file behind `use kinds`.
    pub library: &'f ast::File,
    /// Those whose suites are wanted.
    pub wanted: &'f [ast::File],
    /// Those that only kinds are taken from.
    pub used: &'f [ast::File],
    /// Which files a file names with `use "FILE"`.
    pub uses: &'f BTreeMap<SourceId, Vec<SourceId>>,
    /// Files that name one which cannot be read.
    pub broken: &'f BTreeSet<SourceId>,
}

/// Resolves the files of one run.
pub fn resolve(sources: Sources, files: &Files<'_>, sink: &mut Sink) -> ir::Unit {
    let unit = ir::Unit {
        sources,
        ..ir::Unit::default()
    };
    let mut resolver = Resolver {
        sink,
        unit,
        kinds: BTreeMap::new(),
        declared: BTreeMap::new(),
        whole: true,
        own: BTreeSet::new(),
        suites: BTreeMap::new(),
    };
    let all = files.wanted.iter().chain(files.used);
    for file in all.chain([files.library]) {
        resolver.kinds_of(file);
    }
    for file in files.wanted {
        resolver.file(file, files);
    }
    let mut unit = resolver.unit;
    unit.suites.sort_by(|a, b| a.name.cmp(&b.name));
    unit
}

type Kinds = BTreeMap<String, ir::KindId>;

struct Resolver<'s> {
    sink: &'s mut Sink,
    unit: ir::Unit,
    /// The kinds that the file at hand can see.
    kinds: Kinds,
    /// The kinds that each file declares.
    declared: BTreeMap<SourceId, Kinds>,
    /// Whether all kinds that the file at hand can see are known.
    whole: bool,
    /// The kinds whose bus binds them to a driver of its own.
    own: BTreeSet<ir::KindId>,
    /// The suites so far.
    suites: BTreeMap<String, Span>,
}

impl Resolver<'_> {
    fn kinds_of(&mut self, file: &ast::File) {
        self.kinds = Kinds::new();
        file.kinds.iter().for_each(|kind| self.kind(kind));
        let declared = std::mem::take(&mut self.kinds);
        self.declared.insert(file.source, declared);
    }

    fn file(&mut self, file: &ast::File, files: &Files<'_>) {
        let standard = self.declared[&files.library.source].clone();
        self.kinds = Kinds::new();
        self.whole = file.whole && !files.broken.contains(&file.source);
        for library in &file.uses {
            if library.value == "kinds" {
                self.kinds.extend(standard.clone());
                continue;
            }
            let name = &library.value;
            self.whole = false;
            self.sink.report(
                Diagnostic::new(
                    Code::UnknownLibrary,
                    format!("there is no library `{name}`"),
                )
                .label(library.span, "unknown library")
                .help("the only one is `kinds`; a file is named in quotes: `use \"other.devres\"`"),
            );
        }
        let used = files.uses.get(&file.source).into_iter().flatten();
        for source in used.chain([&file.source]) {
            let declared = self.declared.get(source).cloned().unwrap_or_default();
            for (name, id) in declared {
                match self.kinds.insert(name.clone(), id) {
                    Some(first) if first != id => self.seen_twice(&name, first, id),
                    _ => {}
                }
            }
        }
        file.suites
            .iter()
            .for_each(|suite| self.suite(file, suite, &standard));
    }

    fn seen_twice(&mut self, name: &str, first: ir::KindId, second: ir::KindId) {
        let name = Name {
            value: name.to_owned(),
            span: self.unit.kind(second).span,
        };
        let first = self.unit.kind(first).span;
        self.duplicate("kind", &name, first);
    }

    fn kind(&mut self, kind: &ast::Kind) {
        let name = &kind.name.value;
        if let Some(&first) = self.kinds.get(name) {
            let first = self.unit.kind(first).span;
            return self.duplicate("kind", &kind.name, first);
        }
        let mut resolved = ir::Kind {
            doc: kind.doc.clone(),
            name: name.clone(),
            span: kind.name.span,
            on_bus: kind.on_bus,
            in_class: kind.in_class,
            parent: ir::Parent::Given,
            halves: false,
            waits: false,
            drivers: Drivers::default(),
            driverless: false,
            named: false,
            handles: Handles::None,
            needs: vec![],
            selects: vec![],
            unset: vec![],
            since: None,
            release: ast::Release::Wrapped,
            c: None,
            whole: kind.whole,
        };
        let before = self.sink.count();
        let mut said: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in &kind.entries {
            let word = match &entry.value {
                ast::KindEntry::Parent(_) => "parent",
                ast::KindEntry::Release(_) => "release",
                ast::KindEntry::Halves => "halves",
                ast::KindEntry::Waits => "waits",
                ast::KindEntry::Handles(_) => "handles",
                ast::KindEntry::Driver(_) => "driver",
                ast::KindEntry::Needs { .. } => "needs",
                ast::KindEntry::Selects(_) => "selects",
                ast::KindEntry::Since(_) => "since",
                ast::KindEntry::C(_) => "c",
            };
            if let Some(first) = said.insert(word, entry.span) {
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("kind `{name}` says `{word}` twice"),
                    )
                    .label(entry.span, "the second time")
                    .label(first, "the first time"),
                );
            }
            match &entry.value {
                ast::KindEntry::Parent(name) => {
                    if nearest(&name.value, ["none"]).is_some() {
                        self.sink.report(
                            Diagnostic::new(
                                Code::KindSection,
                                format!("`{}` names a device that is always there", name.value),
                            )
                            .label(name.span, "as `platform_bus` would")
                            .help("did you mean `none`?"),
                        );
                    }
                    resolved.parent = match name.value.as_str() {
                        "none" => ir::Parent::None,
                        _ => ir::Parent::Always,
                    }
                }
                ast::KindEntry::Halves => resolved.halves = true,
                ast::KindEntry::Waits => resolved.waits = true,
                ast::KindEntry::Handles(held) => {
                    resolved.handles = match held {
                        ast::Handles::Plain => Handles::Cdev,
                        ast::Handles::Get => Handles::CdevAndDevice,
                        ast::Handles::Object => Handles::Object,
                        ast::Handles::Misc => Handles::Misc,
                    }
                }
                ast::KindEntry::Driver(words) => {
                    let none = words.iter().find(|word| word.value == "none");
                    if let Some(none) = none.filter(|_| words.len() > 1) {
                        self.sink.report(
                            Diagnostic::new(Code::KindSection, "`driver none` stands alone")
                                .label(none.span, "no drivers")
                                .help("leave `none` out, or the rest"),
                        );
                    }
                    words
                        .iter()
                        .for_each(|word| self.of_drivers(&mut resolved, word));
                }
                ast::KindEntry::Needs { set, unset } => {
                    resolved.needs = self.symbols(set);
                    resolved.unset = self.symbols(unset);
                }
                ast::KindEntry::Selects(symbols) => resolved.selects = self.symbols(symbols),
                // The grammar has no other form of a version.
                ast::KindEntry::Since(linux) => resolved.since = ir::Linux::parse(&linux.value),
                ast::KindEntry::Release(release) => resolved.release = *release,
                ast::KindEntry::C(sections) => resolved.c = Some(self.c_sections(sections)),
            }
        }
        resolved.whole &= self.sink.count() == before;
        let id = ir::KindId(self.unit.kinds.len());
        self.kinds.insert(name.clone(), id);
        if resolved.drivers.own {
            self.own.insert(id);
        }
        self.unit.kinds.push(resolved);
    }

    /// What a kind says of drivers.
    fn of_drivers(&mut self, kind: &mut ir::Kind, word: &Name) {
        const WORDS: [&str; 7] = ["any", "grouped", "held", "late", "named", "none", "own"];
        let problem = match word.value.as_str() {
            _ if !kind.on_bus => "only a bus has drivers",
            "any" => return kind.drivers.any = true,
            "grouped" => return kind.drivers.grouped = true,
            "held" => return kind.drivers.held = true,
            "late" => return kind.drivers.late = true,
            "named" => return kind.named = true,
            "none" => return kind.driverless = true,
            "own" => {
                kind.drivers.own = true;
                return kind.driverless = true;
            }
            _ => {
                return self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("nothing is known of drivers that are `{}`", word.value),
                    )
                    .label(word.span, "unknown word")
                    .suggest(&word.value, WORDS),
                );
            }
        };
        self.sink.report(
            Diagnostic::new(
                Code::KindSection,
                format!("kind `{}` sits on no bus", kind.name),
            )
            .label(word.span, problem)
            .help(format!("say `kind {} : bus`", kind.name)),
        );
    }

    /// Symbols of Kconfig, without their `CONFIG_`.
    fn symbols(&mut self, symbols: &[Name]) -> Vec<String> {
        let is_symbol = |text: &str| {
            let letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
            text.bytes().all(letter)
        };
        for symbol in symbols {
            let bare = symbol.value.strip_prefix("CONFIG_");
            if bare.is_some() || !is_symbol(&symbol.value) {
                let bare = bare.unwrap_or(&symbol.value).to_ascii_uppercase();
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("`{}` is no symbol of Kconfig", symbol.value),
                    )
                    .label(symbol.span, "as Kconfig files write it, without `CONFIG_`")
                    .help(format!("did you mean `{bare}`?")),
                );
            }
        }
        symbols.iter().map(|symbol| symbol.value.clone()).collect()
    }

    fn c_sections(&mut self, sections: &[ast::CSection]) -> ir::KindC {
        let mut c = ir::KindC::default();
        for section in sections {
            let word = &section.key.value;
            let Some(key) = ir::CKey::ALL.into_iter().find(|key| key.as_str() == word) else {
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("there is no section `{word}` of C"),
                    )
                    .label(section.key.span, "unknown section")
                    .suggest(word, ir::CKey::ALL.map(ir::CKey::as_str)),
                );
                continue;
            };
            // The grammar has no other form of a version.
            let versions = section.versions.as_ref().and_then(|versions| {
                let linux = ir::Linux::parse(&versions.linux.value)?;
                Some((versions.since, linux))
            });
            c.parts.push(ir::CPart {
                key,
                versions,
                lines: section.lines.clone(),
            });
        }
        c.on(TARGET)
    }

    fn suite(&mut self, file: &ast::File, suite: &ast::Suite, standard: &Kinds) {
        let name = &suite.name;
        match self.suites.get(&name.value) {
            Some(&first) => return self.duplicate("suite", name, first),
            None => self.suites.insert(name.value.clone(), name.span),
        };
        let mut resolved = ir::Suite {
            source: file.source,
            doc: suite.doc.clone(),
            name: name.value.clone(),
            span: name.span,
            kinds: vec![],
            part: None,
            scenarios: vec![],
        };
        let before = self.sink.count();
        for kind in &suite.kinds {
            self.kind_use(kind, &mut resolved.kinds, standard);
        }
        let whole = self.sink.count() == before;
        let mut names: BTreeMap<&str, Span> = BTreeMap::new();
        let mut titles: BTreeMap<&str, Span> = BTreeMap::new();
        let mut written = Vec::new();
        for scenario in &suite.scenarios {
            let name = &scenario.name;
            match titles.get(name.value.as_str()) {
                Some(&first) => self.duplicate("scenario", name, first),
                None => written.push(scenario),
            }
            titles.entry(&name.value).or_insert(name.span);
        }
        let written = written.into_iter();
        let in_order: Vec<Option<Vec<ast::Scenario>>> = written
            .clone()
            .map(|scenario| orders::orders(scenario, &self.unit.sources, self.sink))
            .collect();
        let scenarios = written.zip(&in_order);
        let scenarios = scenarios.flat_map(|(written, in_order)| match in_order {
            Some(all) => all.as_slice(),
            None => std::slice::from_ref(written),
        });
        for scenario in scenarios {
            let name = &scenario.name;
            if let Some(&first) = names.get(name.value.as_str()) {
                self.duplicate("scenario", name, first);
                continue;
            }
            names.insert(&name.value, name.span);
            let scope = Scope {
                kinds: &self.kinds,
                standard,
                uses: &resolved.kinds,
                own: &self.own,
                whole: whole && self.whole,
            };
            let before = self.sink.count();
            let resolver = ScenarioResolver::new(self.sink, scope, scenario);
            let mut scenario = resolver.resolve(scenario);
            scenario.whole &= whole && self.sink.count() == before;
            self.sink.are_of(before, scenario.order.as_ref());
            resolved.scenarios.push(scenario);
        }
        self.unit.suites.push(resolved);
    }

    fn kind_use(&mut self, used: &ast::KindUse, uses: &mut Vec<ir::KindUse>, standard: &Kinds) {
        let scope = Scope {
            kinds: &self.kinds,
            standard,
            uses: &[],
            own: &self.own,
            whole: self.whole,
        };
        let Some(new) = scope.kind_use(used, self.sink) else {
            return;
        };
        match uses.iter().find(|known| known.is(&new)) {
            Some(first) => self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("the suite names kind `{}` twice", used.name.value),
                )
                .label(used.span, "the second time")
                .label(first.span, "the first time"),
            ),
            None => uses.push(new),
        }
    }

    fn duplicate(&mut self, sort: &str, name: &Name, first: Span) {
        duplicate(self.sink, sort, name, first);
    }
}

fn duplicate(sink: &mut Sink, sort: &str, name: &Name, first: Span) {
    sink.report(
        Diagnostic::new(
            Code::Duplicate,
            format!("{sort} `{}` is declared twice", name.value),
        )
        .label(name.span, "the second declaration")
        .label(first, "the first declaration"),
    );
}

/// The kinds that a scenario can see.
#[derive(Clone, Copy)]
struct Scope<'r> {
    /// Those of its file.
    kinds: &'r Kinds,
    /// Those that it could see with `use kinds`.
    standard: &'r Kinds,
    /// Those that its suite runs on.
    uses: &'r [ir::KindUse],
    /// Those whose bus binds them to a driver of its own.
    own: &'r BTreeSet<ir::KindId>,
    /// Whether all of these are known: if not, an unknown one may be among the others.
    whole: bool,
}

impl Scope<'_> {
    fn kind(&self, name: &Name, sink: &mut Sink) -> Option<ir::KindId> {
        let text = &name.value;
        let found = self.kinds.get(text).copied();
        if found.is_none() && self.whole {
            let diagnostic =
                Diagnostic::new(Code::UnknownKind, format!("there is no kind `{text}`"))
                    .label(name.span, "unknown kind");
            sink.report(if self.standard.contains_key(text) {
                diagnostic.help("it is a standard kind: say `use kinds` at the top of the file")
            } else if let Some(words) = self.in_words(text) {
                diagnostic.help(format!("a suite asks for it as `{words}`"))
            } else {
                diagnostic.suggest(text, self.kinds.keys().map(String::as_str))
            });
        }
        found
    }

    /// What a case is called by, as it is asked for: `platform_bound_below_root`.
    fn in_words(&self, label: &str) -> Option<String> {
        let (of, parent) = match label.split_once("_below_") {
            Some((of, parent)) => (of, format!(" parent {parent}")),
            None => (label, String::new()),
        };
        let (kind, bound) = match of.strip_suffix("_bound") {
            Some(kind) => (kind, " bound"),
            None => (of, ""),
        };
        let known = kind != label && self.kinds.contains_key(kind);
        known.then(|| format!("{kind}{bound}{parent}"))
    }

    fn kind_use(&self, used: &ast::KindUse, sink: &mut Sink) -> Option<ir::KindUse> {
        let kind = self.kind(&used.name, sink);
        let parent = match &used.parent {
            Some(name) => Some(self.kind(name, sink)?),
            None => None,
        };
        Some(ir::KindUse {
            kind: kind?,
            bound: used.bound.is_some(),
            own: kind.is_some_and(|id| self.own.contains(&id)),
            parent,
            span: used.span,
        })
    }
}

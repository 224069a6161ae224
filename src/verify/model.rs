//! Which fixes a kernel has: by its source, and by what it does. A version does not tell,
//! since stable kernels get backports.

use std::fs;
use std::path::Path;

use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::emit::{Broken, Options, OutputFile, names};
use crate::ir::Unit;
use crate::ktap::{Log, Status};
use crate::sim::{Fix, Model};

/// One scenario a fix, called `fix_COMMIT`, whose contract breaks without it.
const FINGERPRINTS: &str = include_str!("../../library/fingerprints.devres");

fn fingerprints() -> Unit {
    compile::load_text("fingerprints.devres", FINGERPRINTS).unit
}

/// The C that asks a kernel for its fixes: a file for the folder of the tests.
///
/// # Errors
/// What the emitter says of our own scenarios.
pub(super) fn questions(options: &Options) -> Result<OutputFile, Vec<Diagnostic>> {
    let options = Options {
        without: vec![],
        broken: Broken::Assert,
        trace: false,
        ..options.clone()
    };
    let files = compile::compile(&fingerprints(), &options)?;
    let c = files.into_iter().find(|file| file.path.ends_with(".c"));
    c.ok_or_else(Vec::new)
}

/// What the kernel answered, if it did: a kernel that died before did not.
pub(super) fn by_answers(log: &Log) -> Option<Model> {
    let unit = fingerprints();
    let mut model = Model::ALL;
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            let fix = Fix::from_commit(scenario.name.strip_prefix("fix_")?)?;
            for used in &scenario.kinds {
                let path = vec![
                    names::suite(suite),
                    names::c_test(scenario),
                    used.label(&unit),
                ];
                if log.results.get(&path)?.status != Status::Passed {
                    model = model.without(fix);
                }
            }
        }
    }
    Some(model)
}

/// What the source says.
///
/// # Errors
/// A file that cannot be read, or does not have the function that the fix is about.
pub(super) fn by_source(tree: &Path) -> Result<Model, String> {
    let mut model = Model::ALL;
    for fix in Fix::ALL {
        // The first of the calls comes before the second.
        let (file, function, calls) = match fix {
            Fix::DelReleasesDevres => (
                "drivers/base/core.c",
                "void device_del(struct device *dev)",
                ["devres_release_all(dev);"; 2],
            ),
            Fix::UnbindReleasesDevresFirst => (
                "drivers/base/dd.c",
                "static void __device_release_driver(struct device *dev, struct device *parent)",
                [
                    "device_unbind_cleanup(dev);",
                    "device_links_driver_cleanup(dev);",
                ],
            ),
            Fix::GroupMayBeGone => (
                "drivers/base/devres.c",
                "int devres_release_group(struct device *dev, void *id)",
                ["list_empty(&dev->devres_head)"; 2],
            ),
        };
        let path = tree.join(file);
        let text =
            fs::read_to_string(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        let body = text
            .split_once(&format!("\n{function}\n{{\n"))
            .and_then(|(_, rest)| rest.split_once("\n}\n"))
            .map(|(body, _)| body)
            .ok_or_else(|| format!("`{}` has no `{function}`", path.display()))?;
        let [first, second] = calls.map(|call| body.find(call));
        if first.is_none() || second < first {
            model = model.without(fix);
        }
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand;
    use crate::run;

    /// Each fix has a fingerprint, which tells the kernel that lacks just it.
    #[test]
    fn each_fix_has_a_fingerprint_of_its_own() {
        let unit = fingerprints();
        for model in Fix::ALL.map(|fix| Model::ALL.without(fix)) {
            let lacking: Vec<String> = model.lacks().map(|fix| format!("fix_{fix}")).collect();
            for case in expand::cases(&unit, model) {
                let breaks = !run::run_as(&case, Model::ALL).passed();
                assert_eq!(breaks, lacking.contains(&case.scenario.name));
                assert!(run::run(&case).passed());
            }
        }
        assert_eq!(unit.suites[0].scenarios.len(), Fix::ALL.len());
    }
}

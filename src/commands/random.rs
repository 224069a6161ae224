//! `devres-gen random`: scenarios that nobody thought of, on standard output.

use super::{Done, NOT_WELL, WELL, fail, print};
use crate::cli::Random as Args;
use devres_gen::random::Wanted;

pub(super) fn random(args: &Args) -> Done {
    let (unit, kinds) = super::explore::unit(&args.paths, &[], &args.on)?;
    let wanted = Wanted {
        unit: &unit,
        kinds: &kinds,
        files: &args.paths,
        seed: args.seed,
    };
    let text = wanted.scenarios(args.count);
    let made = text
        .lines()
        .filter(|line| line.starts_with("suite "))
        .count();
    print(&text)?;
    if made < args.count {
        let why = format!("only {made} scenarios came of it");
        return fail(&why, NOT_WELL);
    }
    Ok(WELL)
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use devres_gen::emit::{self, Options};
use devres_gen::explore::Shard;
use devres_gen::ir::Linux;
use devres_gen::select::{Filter, Selection};
use devres_gen::sim::{Fix, Model};

/// Litmus tests for device lifetimes in the Linux driver core.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// In which form to say what is wrong, on standard error.
    #[arg(long, global = true, value_enum, default_value_t = MessageFormat::Human)]
    pub message_format: MessageFormat,
}

/// How errors and warnings are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people, with the source.
    Human,
    /// A line each, as compilers have it: FILE:LINE:COLUMN: error: MESSAGE [CODE].
    Short,
    /// An object of JSON each, a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write KUnit C and Rust tests.
    Compile(Compile),
    /// Bring scenario files into their canonical form.
    Fmt(Fmt),
    /// Tell what happens, without anything being expected.
    Ask(Ask),
    /// Run the cases on the simulator.
    Run(Run),
    /// Show which contracts hold on which simulated kernel.
    Matrix(Matrix),
    /// Try all programs up to a length: which ones break the contract, or tell two kernels apart?
    Explore(Explore),
    /// Write scenarios that nobody thought of, for `verify` to ask a kernel.
    Random(Random),
    /// Run the cases on a real kernel and compare it with the simulator.
    Verify(Verify),
    /// Put the emitted C into a kernel tree.
    Install(Install),
    /// Take it out again.
    Uninstall(Uninstall),
    /// Explain an error code.
    Explain(Explain),
    /// List the standard kinds.
    Kinds(Kinds),
    /// List the fixes that scenarios can name.
    Fixes,
}

#[derive(Debug, Args)]
pub struct Kinds {
    /// In which form to print.
    #[arg(long, value_enum, default_value_t = KindsFormat::Human)]
    pub format: KindsFormat,
}

/// How kinds are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindsFormat {
    /// For people.
    Human,
    /// As a page with all counts and the C: docs/kinds.md.
    Markdown,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// As a diagnostic prints it: E0101. Or a word of the language; `words` lists the operations.
    pub what: String,
}

#[derive(Debug, Args)]
pub struct Compile {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Where the output goes: `generated`, or `series` for a series of patches.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the C as it would be posted instead: a series of patches against that tree.
    #[arg(long, value_name = "LINUX", requires = "author", conflicts_with_all = ["check", "trace", "target", "broken", "faults"])]
    pub for_upstream: Option<PathBuf>,
    /// Who posts the series: `NAME <MAIL>`.
    #[arg(long, value_name = "AUTHOR", requires = "for_upstream", value_parser = author)]
    pub author: Option<String>,
    /// Put the author's Signed-off-by below each patch.
    #[arg(long, requires = "for_upstream")]
    pub signoff: bool,
    /// What `verify --format json` printed, for the cover letter to say which kernels were
    /// tested.
    #[arg(long, value_name = "REPORT", requires = "for_upstream")]
    pub tested: Vec<PathBuf>,
    /// Write nothing; show what is out of date, and fail if anything is.
    #[arg(long)]
    pub check: bool,
    /// Remove what was generated from scenarios that are not among these.
    #[arg(long, conflicts_with_all = ["check", "for_upstream"])]
    pub prune: bool,
    #[command(flatten)]
    pub select: Select,
    #[command(flatten)]
    pub emit: Emit,
    /// Let each case of the C print its trace.
    #[arg(long)]
    pub trace: bool,
    #[command(flatten)]
    pub kernel: Kernel,
    /// What the C does about a contract that such a kernel breaks.
    #[arg(long, value_enum, default_value_t = Broken::Skip, requires = "without")]
    pub broken: Broken,
}

#[derive(Debug, Args)]
pub struct Fmt {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Write nothing; show what would change, and fail if anything would.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  devres-gen ask 'register dev; get dev; action cleanup on dev { put dev }; unregister dev'"
)]
pub struct Ask {
    /// Statements as they stand in a scenario, with `;` between them or an argument each; `-` is
    /// standard input.
    #[arg(required_unless_present = "file")]
    pub statements: Vec<String>,
    /// Only on this kind, as suites spell it: `platform`, `platform bound`. Any number of them; every
    /// kind that can do that if there is none.
    #[arg(long, value_name = "KIND", conflicts_with = "file")]
    pub on: Vec<String>,
    /// The kinds of this file, too.
    #[arg(long = "use", value_name = "FILE", conflicts_with = "file")]
    pub uses: Vec<PathBuf>,
    /// The scenarios of these files or folders instead.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "statements")]
    pub file: Vec<PathBuf>,
    /// Ask a kernel as well: its source tree, which is only read.
    #[arg(long, value_name = "LINUX", conflicts_with = "without")]
    pub tree: Option<PathBuf>,
    #[command(flatten)]
    pub select: Select,
    #[command(flatten)]
    pub kernel: Kernel,
    /// In which form to print.
    #[arg(long, value_enum, default_value_t = AskFormat::Human)]
    pub format: AskFormat,
    /// Print scenarios of that name instead, which do what is asked and expect what is so.
    #[arg(long = "as", value_name = "SUITE/SCENARIO", value_parser = suite_and_scenario)]
    #[arg(conflicts_with_all = ["file", "tree", "without", "format"])]
    pub scenario: Option<(String, String)>,
}

fn suite_and_scenario(text: &str) -> Result<(String, String), String> {
    let names = text.split_once('/');
    let names = names.map(|(suite, scenario)| (suite.to_owned(), scenario.to_owned()));
    names.ok_or_else(|| "say both names: SUITE/SCENARIO".to_owned())
}

/// How questions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AskFormat {
    /// For people.
    Human,
    /// For programs: docs/ask.md.
    Json,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub select: Select,
    #[command(flatten)]
    pub kernel: Kernel,
    /// Print the trace of each case.
    #[arg(long)]
    pub trace: bool,
    /// In which form to print.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Matrix {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub select: Select,
}

#[derive(Debug, Subcommand)]
pub enum Explorations {
    /// Join what several explorations have come to, by their checkpoints.
    Merge(Merge),
}

#[derive(Debug, Args)]
pub struct Merge {
    /// The folders that were given as `--checkpoint`.
    #[arg(required = true, value_name = "FOLDER")]
    pub checkpoints: Vec<PathBuf>,
    /// Write the findings as scenarios into this file.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("question").required(true).args(["invariants", "diff", "cover"]))]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Explore {
    #[command(subcommand)]
    pub command: Option<Explorations>,
    /// Files whose kinds are tried as well.
    pub paths: Vec<PathBuf>,
    /// The shortest programs that break the driver core's contract.
    #[arg(long)]
    pub invariants: bool,
    /// The shortest programs that tell two kernels apart: `all` fixes, or `without:FIX`.
    #[arg(long, num_args = 2, value_names = ["MODEL", "MODEL"], value_parser = model)]
    pub diff: Option<Vec<Model>>,
    /// The fewest programs that reach every named point of the simulator which these scenarios do
    /// not reach.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub cover: Option<Vec<PathBuf>>,
    /// The kernel whose contract is examined.
    #[arg(long, value_name = "MODEL", value_parser = model, default_value = "all", conflicts_with = "diff")]
    pub model: Model,
    /// Only this kind, as suites spell it: `platform`, `platform bound`. Any number of them.
    #[arg(long, value_name = "KIND")]
    pub on: Vec<String>,
    /// Only these bricks.
    #[arg(long, value_name = "NAME")]
    pub bricks: Vec<String>,
    /// Statements of a program at most.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub depth: usize,
    /// Points of each search that are kept at most; 2,000,000 if nothing is said.
    #[arg(long, value_name = "N")]
    pub points: Option<usize>,
    /// The same by the room for them.
    #[arg(long, value_name = "MIB", conflicts_with = "points")]
    pub memory: Option<usize>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub time: Option<u64>,
    /// Keep in this folder what has been tried, and go on from there when asked the same again.
    #[arg(long, value_name = "FOLDER", conflicts_with = "cover")]
    pub checkpoint: Option<PathBuf>,
    /// Only the I-th of N shares of the searches: `explore merge` joins them.
    #[arg(long, value_name = "I/N", requires = "checkpoint", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Threads; as many as there are processors if none are given. They change nothing but
    /// the time.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Try programs that differ only by names as well.
    #[arg(long)]
    pub full: bool,
    /// Write the findings as scenarios into this file.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Random {
    /// How many scenarios.
    pub count: usize,
    /// Files whose kinds they are on as well.
    pub paths: Vec<PathBuf>,
    /// What they begin with: the same leads to the same.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// `dev` is of this kind only, as suites spell it: `platform`, `platform bound`. Any number of
    /// them.
    #[arg(long, value_name = "KIND")]
    pub on: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required_unless_present = "explore")]
    pub paths: Vec<PathBuf>,
    /// The kernel's source tree; it is only read.
    #[arg(long, value_name = "LINUX", required_unless_present = "ktap")]
    pub tree: Option<PathBuf>,
    /// Keep what the kernel prints.
    #[arg(long, value_name = "FILE", conflicts_with = "ktap")]
    pub log: Option<PathBuf>,
    #[command(flatten)]
    pub setup: Setup,
    /// Hold the kernel's own log of managed resources (CONFIG_DEBUG_DEVRES) against the
    /// simulator as well.
    #[arg(long, conflicts_with_all = ["plain", "ktap"])]
    pub witness: bool,
    /// Run so many programs of the bricks that `explore` builds from instead of scenarios: all
    /// up to a length, and random ones. The paths are files whose kinds are tried as well.
    #[arg(long, value_name = "N", conflicts_with_all = ["ktap", "witness", "plain", "negate", "give_up", "faults", "format", "only", "skip", "without", "broken"])]
    pub explore: Option<usize>,
    /// What the random programs begin with.
    #[arg(long, value_name = "SEED", requires = "explore", default_value_t = 1)]
    pub seed: u64,
    /// Only programs of these bricks.
    #[arg(long, value_name = "NAME", requires = "explore")]
    pub bricks: Vec<String>,
    /// Only programs on this kind, as suites spell it: `platform`, `platform bound`. Any number of
    /// them.
    #[arg(long, value_name = "KIND", requires = "explore")]
    pub on: Vec<String>,
    /// A log of the emitted C from anywhere, instead of a tree.
    #[arg(long, value_name = "LOG", conflicts_with = "tree")]
    pub ktap: Option<PathBuf>,
    /// The kernel that printed the log: `all` fixes, or `without:FIX`. Else it is looked for.
    #[arg(long, value_name = "MODEL", requires = "ktap", value_parser = model)]
    pub model: Option<Model>,
    /// In which form to print.
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub select: Select,
    #[command(flatten)]
    pub emit: Emit,
    #[command(flatten)]
    pub kernel: Kernel,
    /// What the C does about a contract that the kernel breaks.
    #[arg(long, value_enum, default_value_t = Broken::Assert)]
    pub broken: Broken,
    /// Run the C as `compile` writes it, without traces: only results are compared.
    #[arg(long)]
    pub plain: bool,
    /// Negate each expectation in turn: every case has to fail.
    #[arg(long, conflicts_with = "faults")]
    pub negate: bool,
    /// Before each scenario, let it give up after each of its operations in turn: it has to
    /// leave nothing behind, and what comes after has to be as ever.
    #[arg(long, conflicts_with_all = ["negate", "faults"])]
    pub give_up: bool,
}

/// Handed on to the tree's kunit.py.
#[derive(Debug, Args)]
pub struct Setup {
    /// The architecture, as kunit.py names it; `um` if none is given.
    #[arg(long, value_name = "ARCH", conflicts_with = "ktap")]
    pub arch: Option<String>,
    /// A line for the kernel's configuration: CONFIG_KASAN=y.
    #[arg(long, value_name = "OPTION", conflicts_with = "ktap")]
    pub kconfig_add: Vec<String>,
    /// The build folder, within the copy of the tree; each configuration has one of its own
    /// if none is given.
    #[arg(long, value_name = "DIR", conflicts_with = "ktap")]
    pub build_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Install {
    /// Scenario files, or folders of them; `-` is standard input.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// The kernel's source tree, which is changed.
    #[arg(long, value_name = "LINUX")]
    pub tree: PathBuf,
    #[command(flatten)]
    pub select: Select,
    /// What the C does about a contract that the kernel breaks.
    #[arg(long, value_enum, default_value_t = Broken::Assert)]
    pub broken: Broken,
    /// Let each case of the C print its trace.
    #[arg(long)]
    pub trace: bool,
}

#[derive(Debug, Args)]
pub struct Uninstall {
    /// The kernel's source tree, which is changed.
    #[arg(long, value_name = "LINUX")]
    pub tree: PathBuf,
}

#[derive(Debug, Args)]
pub struct Select {
    /// Only cases like this: SUITE, SUITE/SCENARIO or SUITE/SCENARIO/KIND, with `*`.
    #[arg(long, value_name = "PATTERN", value_parser = Filter::parse)]
    pub only: Vec<Filter>,
    /// No cases like this.
    #[arg(long, value_name = "PATTERN", value_parser = Filter::parse)]
    pub skip: Vec<Filter>,
}

impl Select {
    pub fn selection(&self) -> Selection {
        Selection {
            only: self.only.clone(),
            skip: self.skip.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub struct Emit {
    /// The kernel version that the C is for; `verify --tree` takes the tree's own.
    #[arg(long, value_name = "VERSION", default_value_t = emit::TARGET, value_parser = target)]
    pub target: Linux,
    /// Let cases run into the use after free that they announce, for KASAN to tell: they fail
    /// on a kernel that has it, and are skipped on others.
    #[arg(long)]
    pub faults: bool,
}

#[derive(Debug, Args)]
pub struct Kernel {
    /// A fix that the kernel lacks, by the first 12 digits of its commit.
    #[arg(long, value_name = "FIX", value_parser = fix)]
    pub without: Vec<Fix>,
}

impl Kernel {
    pub fn model(&self) -> Model {
        self.without
            .iter()
            .fold(Model::ALL, |model, &fix| model.without(fix))
    }

    /// The options of the emitted C.
    pub fn options(&self, target: Linux, select: &Select, broken: Broken, trace: bool) -> Options {
        let mut without = self.without.clone();
        without.sort_unstable();
        without.dedup();
        Options {
            target,
            without,
            broken: broken.into(),
            trace,
            faults: false,
            bulk: None,
            upstream: false,
            selection: select.selection(),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Human,
    Json,
    Ktap,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportFormat {
    Human,
    Json,
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broken {
    /// Skip the case, with the reason.
    Skip,
    /// Expect what the scenario says of such a kernel.
    Expect,
    /// Assert the contract all the same.
    Assert,
}

impl From<Broken> for emit::Broken {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Skip => emit::Broken::Skip,
            Broken::Expect => emit::Broken::Expect,
            Broken::Assert => emit::Broken::Assert,
        }
    }
}

fn fix(commit: &str) -> Result<Fix, String> {
    Fix::from_digits(commit).ok_or_else(|| {
        let known: Vec<_> = Fix::ALL.iter().map(|fix| fix.commit()).collect();
        format!(
            "no fix is known by that commit, of which seven digits are enough; known: {}",
            known.join(", ")
        )
    })
}

fn author(text: &str) -> Result<String, String> {
    let address = text
        .strip_suffix('>')
        .and_then(|text| text.split_once(" <"));
    let plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', '\n', '\r']);
    match address {
        Some((name, mail)) if plain(name) && plain(mail) && mail.contains('@') => {
            Ok(text.to_owned())
        }
        _ => Err("an author is NAME <MAIL>".to_owned()),
    }
}

fn target(version: &str) -> Result<Linux, String> {
    let oldest = emit::OLDEST_TARGET;
    match Linux::of_release(version) {
        Some(linux) if linux >= oldest => Ok(linux),
        Some(_) => Err(format!("C can be emitted for {oldest} and later")),
        None => Err("a version is MAJOR.MINOR, such as 6.12, or a release of it".to_owned()),
    }
}

fn model(text: &str) -> Result<Model, String> {
    if text == "all" {
        return Ok(Model::ALL);
    }
    let fixes = text
        .strip_prefix("without:")
        .ok_or("a model is `all` or `without:FIX`")?;
    let without = |model: Model, commit| Ok(model.without(fix(commit)?));
    fixes.split(',').try_fold(Model::ALL, without)
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let number = |part: &str| part.parse::<usize>().ok();
    parts
        .and_then(|(first, of)| {
            let shard = Shard {
                number: number(first)?,
                of: number(of)?,
            };
            (1..=shard.of).contains(&shard.number).then_some(shard)
        })
        .ok_or_else(|| "a share is its number and how many there are: 1/4 to 4/4".to_owned())
}

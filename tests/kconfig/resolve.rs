//! Resolves many configurations of one tree, for `matrix.sh`: the tree is `$srctree`, the environment is what its
//! Kconfig files see, and standard input has a line `MODE INPUT OUTPUT` for each, with `-` for no input.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "it stands for the kernel's conf, which runs compilers, and says how long it took"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use kata_artifacts::kconfig::{
    batch::Batch,
    dialect::Dialect,
    dotconfig::Requests,
    model::Model,
    modes::{Base, evaluate},
    oracle::Answers,
    rounds,
};
use miette::{IntoDiagnostic as _, Result, miette};

fn main() -> Result<()> {
    let variables: BTreeMap<String, String> = env::vars().collect();
    let top = env::args().nth(1).unwrap_or_else(|| "Kconfig".to_owned());
    let root = variables
        .get("srctree")
        .ok_or_else(|| miette!("srctree is not set"))?;
    let mut answers = Answers::default();
    let root = Path::new(root);
    rounds::read(root, &top, &variables, &mut answers, |commands| {
        run(commands, &variables)
    })?;

    // Once more, now that all answers are known: what is measured is reading.
    let start = Instant::now();
    let known = rounds::read(root, &top, &variables, &mut answers, |commands| {
        run(commands, &variables)
    })?;
    let read = start.elapsed();
    let dialect = Dialect::of_tree(root).into_diagnostic()?;
    let model = Model::new(&known.tree, dialect)?;
    let modelled = start.elapsed();

    let mut jobs = String::new();
    io::stdin().read_to_string(&mut jobs).into_diagnostic()?;
    let mut slowest = std::time::Duration::ZERO;
    for job in jobs.lines() {
        let [mode, input, output] = job.split(' ').collect::<Vec<_>>()[..] else {
            return Err(miette!("not a job: {job}"));
        };
        let base = match mode {
            "allnoconfig" => Base::AllNo,
            "allyesconfig" => Base::AllYes,
            "allmodconfig" => Base::AllModule,
            "alldefconfig" => Base::AllDefault,
            "defconfig" => Base::Defconfig,
            "olddefconfig" => Base::Olddefconfig,
            other => return Err(miette!("no such mode: {other}")),
        };
        let text = if input == "-" {
            Vec::new()
        } else {
            fs::read(input).into_diagnostic()?
        };
        let start = Instant::now();
        let requests = Requests::read(&text, 0, dialect).requests;
        let config = evaluate(&model, base, &requests).dot_config();
        slowest = slowest.max(start.elapsed());
        fs::write(output, config).into_diagnostic()?;
    }
    if env::var_os("TIMES").is_some() {
        eprintln!(
            "read {read:?}, model {:?}, slowest resolve {slowest:?}",
            modelled - read
        );
    }
    Ok(())
}

/// Runs the commands of a round with the host's shell.
fn run(commands: &[String], variables: &BTreeMap<String, String>) -> Result<Vec<Vec<u8>>> {
    let batch = Batch {
        commands,
        variables,
        jobs: 2,
        seconds: 60,
    };
    let mut shell = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .into_diagnostic()?;
    let mut input = shell
        .stdin
        .take()
        .ok_or_else(|| miette!("the shell has no input"))?;
    input
        .write_all(batch.script().as_bytes())
        .into_diagnostic()?;
    drop(input);
    let output = shell.wait_with_output().into_diagnostic()?;
    Ok(batch.answers(&output.stdout)?)
}

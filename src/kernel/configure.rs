//! The configure step: hands the merged requests to the kernel's own `conf`, and lets nothing through that `conf`
//! dropped. Runs one program; everything that is decided here is decided by the pure parts it calls.

use std::{fs, path::Path};

use super::{
    KernelError,
    badfile::{BadFile, Problem},
    demand::Demand,
    dotconfig::DotConfig,
    error::unless_interrupted,
    fragment::{AskedBy, Fragment, Origin, Request},
    make,
    merge::{Merged, merge},
    options::{self, Options, Start},
    probe::Probed,
    profile::Profile,
    reasons::explain_failures,
    report::report,
    strict::{Resolved, compare},
    value::Value,
    version::{KernelVersion, VersionRange},
};
use crate::{
    arch::Arch,
    bench::Bench,
    digest::Digest,
    plan::action::{Base, Configure, Named},
    step::Products,
    tool::{BUILD, Place},
};

/// The requests' file in the build directory.
const REQUESTS: &str = "requests.config";

/// Symbols that make two builds differ, and why. Data about kernels, not about one guest: no profile may allow them.
const RANDOM: [(&str, &str); 4] = [
    ("MODULE_SIG", "signs modules with a key made at random"),
    ("IMA_APPRAISE_MODSIG", "makes a signing key at random"),
    ("RANDSTRUCT", "shuffles structures by a random seed"),
    (
        "GCC_PLUGIN_LATENT_ENTROPY",
        "mixes random numbers into the code",
    ),
];
/// The signing key that the kernel makes itself when it is not there.
const MADE_KEY: &str = "certs/signing_key.pem";

/// Resolves and checks a configuration. Products: `config`, `report`.
///
/// # Errors
/// The profile or a fragment has mistakes, the kernel's `conf` fails, or a request is lost that the profile does not
/// waive.
pub fn configure(bench: &Bench<'_>, action: &Configure<Digest>) -> Result<Products, KernelError> {
    let source = bench.tree(action.source)?;
    let place = bench.place(action.toolchain)?;
    let version = KernelVersion::of_tree(&source)?;
    let (profile, merged) = requests(bench, action, version)?;
    let mut warnings: Vec<_> = merged.repeats.iter().map(ToString::to_string).collect();

    let probed = Probed::parse(&bench.store.read(action.answers)?)?;
    let scratch = bench.scratch()?;
    let (options, config) = rayon::join(
        || Options::read(&source, &probed),
        || resolve(bench, action, &place, &source, scratch.path(), &merged),
    );
    let (options, text) = (options?, config?);
    let config =
        DotConfig::parse(&text).map_err(|(line, text)| KernelError::NotAConfig { line, text })?;
    let question = start(bench, action, &source)?.map(|start| options.question(&start, &merged));
    if let Some(question) = &question {
        options::agree(&options.answer(question), &config)?;
    }
    let symbols = options.symbols();
    let resolved = Resolved {
        version,
        arch: action.arch,
        symbols: &symbols,
        config: &config,
    };
    let mut verdict = compare(&merged, &profile, &resolved);
    warnings.extend(verdict.idle.iter().map(|(clause, why)| {
        let (origin, symbol) = (&clause.origin, &clause.symbol);
        format!("{origin}: the waiver for {symbol} no longer applies: {why}")
    }));
    for warning in &warnings {
        bench.warn(warning);
    }
    if let Some(question) = &question {
        explain_failures(&mut verdict, &options, question, &source);
    }
    if let Some(unmet) = verdict.error(&profile, &resolved) {
        return Err(KernelError::Strict(Box::new(unmet)));
    }
    let reasons = unreproducible(&config);
    if !reasons.is_empty() {
        return Err(KernelError::Unreproducible { reasons });
    }
    let report = report(&profile, &merged, &resolved, &verdict, &warnings);
    Ok(Products::from([
        (
            "config".to_owned(),
            make::blob(bench.store, text.as_bytes())?,
        ),
        (
            "report".to_owned(),
            make::blob(bench.store, report.as_bytes())?,
        ),
    ]))
}

/// Reads the profile and the fragments, all of their mistakes at once, and merges what they request.
fn requests(
    bench: &Bench<'_>,
    action: &Configure<Digest>,
    version: KernelVersion,
) -> Result<(Profile, Merged), KernelError> {
    let text = |named: &Named<Digest>| {
        let bytes = bench.store.read(named.input)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok::<_, KernelError>((named.name.clone(), text))
    };
    let files = [&action.profile]
        .into_iter()
        .chain(&action.more)
        .map(text)
        .collect::<Result<Vec<_>, _>>()?;
    let mut bad = Vec::new();
    let profile = Profile::assemble(&files).unwrap_or_else(|wrong| {
        bad.extend(wrong);
        Profile::default()
    });
    let mut requests = Vec::new();
    for Named { name, input } in &action.fragments {
        match Fragment::parse(name, &bench.store.read(*input)?) {
            Ok(fragment) => requests.extend(fragment.requests),
            Err(wrong) => bad.push(wrong),
        }
    }
    if !bad.is_empty() {
        return Err(KernelError::bad_input(bad));
    }
    let requests = all_requests(
        &profile,
        requests,
        &action.localversion,
        version,
        action.arch,
    );
    let merged = merge(requests, version);
    let wrong = contradictions(&files, &profile, &merged, version, action.arch);
    if wrong.is_empty() {
        Ok((profile, merged))
    } else {
        Err(KernelError::bad_input(wrong))
    }
}

/// Returns everything that is requested, in merging order: what the fragments say, what the profile wants off, and the
/// manifest's release.
#[must_use]
pub fn all_requests(
    profile: &Profile,
    mut fragments: Vec<Request>,
    release: &str,
    version: KernelVersion,
    arch: Arch,
) -> Vec<Request> {
    fragments.extend(profile.off_requests(version, arch));
    let release: Vec<_> = localversion(release, &fragments).collect();
    fragments.extend(release);
    fragments
}

/// Returns the requests that make the release what the manifest says it is, and nothing of this machine. What is off
/// already is not requested again: the user could do nothing about the warning.
fn localversion(text: &str, before: &[Request]) -> impl Iterator<Item = Request> {
    let wanted = [
        ("LOCALVERSION", Value::Text(text.to_owned())),
        ("LOCALVERSION_AUTO", Value::No),
    ];
    let is_off = |symbol: &str| {
        let last = before
            .iter()
            .rfind(|request| request.symbol.as_str() == symbol);
        last.is_some_and(|request| request.value == Value::No)
    };
    wanted
        .into_iter()
        .filter(move |(symbol, value)| value.is_on() || !is_off(symbol))
        .map(|(symbol, value)| Request {
            symbol: symbol.parse().expect("a well-formed symbol"),
            value,
            origin: Origin {
                file: "kernel.localversion in the manifest".to_owned(),
                line: 0,
            },
            asked: AskedBy::Manifest,
            reason: None,
            features: Vec::new(),
            versions: VersionRange::default(),
            demand: Demand::default(),
        })
}

fn contradictions(
    files: &[(String, String)],
    profile: &Profile,
    merged: &Merged,
    version: KernelVersion,
    arch: Arch,
) -> Vec<BadFile> {
    let wrong = |file: &str| -> Vec<_> {
        profile
            .omitted
            .iter()
            .filter(|clause| clause.origin.file == file && clause.applies(version, arch))
            .filter_map(|clause| {
                let request = merged.requests.get(&clause.symbol)?;
                let told = format!(
                    "{} is said to be omitted, but {} requests it: remove one of the two",
                    clause.symbol, request.origin
                );
                // A number or a string may be omitted as Kata requests it and be requested otherwise.
                matches!(request.value, Value::Yes | Value::Module)
                    .then(|| Problem::new(clause.origin.line, told))
            })
            .collect()
    };
    files
        .iter()
        .map(|(file, text)| (file, text, wrong(file)))
        .filter(|(_, _, problems)| !problems.is_empty())
        .map(|(file, text, problems)| BadFile::new(file, text, &problems))
        .collect()
}

/// Runs `conf` and returns the final configuration.
fn resolve(
    bench: &Bench<'_>,
    action: &Configure<Digest>,
    place: &Place,
    source: &Path,
    build: &Path,
    merged: &Merged,
) -> Result<String, KernelError> {
    let run = |target: &str, more: &[String]| {
        let invocation = make::make(source, build, action.arch)
            .args(more.to_vec())
            .args([target]);
        bench
            .run(place, &invocation)
            .map_err(|cause| unless_interrupted(cause, |cause| KernelError::Configure { cause }))
    };
    let dot_config = build.join(".config");
    let requests = merged.text();
    match &action.base {
        Base::Allnoconfig => {
            make::write(&build.join(REQUESTS), requests.as_bytes())?;
            let from = format!("KCONFIG_ALLCONFIG={BUILD}/{REQUESTS}");
            run("allnoconfig", &[from])?;
        }
        Base::Defconfig => {
            run("defconfig", &[])?;
            append(&dot_config, &make::read(&dot_config)?, &requests)?;
            run("olddefconfig", &[])?;
        }
        Base::File(base) => {
            let base = bench.store.read(*base)?;
            append(&dot_config, &String::from_utf8_lossy(&base), &requests)?;
            run("olddefconfig", &[])?;
        }
    }
    make::read(&dot_config)
}

/// Returns what the configuration starts from, for our own evaluation; nothing where only the kernel's Makefile knows it.
fn start(
    bench: &Bench<'_>,
    action: &Configure<Digest>,
    source: &Path,
) -> Result<Option<Start>, KernelError> {
    Ok(match &action.base {
        Base::Allnoconfig => Some(Start::Allnoconfig),
        Base::Defconfig => options::defconfig(source, action.arch)?.map(Start::Defconfig),
        Base::File(base) => {
            let base = bench.store.read(*base)?;
            Some(Start::File(String::from_utf8_lossy(&base).into_owned()))
        }
    })
}

/// Writes a configuration with the requests after it. `conf` takes the last value of a symbol.
fn append(path: &Path, base: &str, requests: &str) -> Result<(), KernelError> {
    // What is there may be a read-only copy.
    let _ = fs::remove_file(path);
    make::write(path, format!("{base}\n{requests}").as_bytes())
}

fn unreproducible(config: &DotConfig) -> Vec<String> {
    let key = config.named("MODULE_SIG_KEY");
    RANDOM
        .iter()
        .filter(|(symbol, _)| config.named(symbol).is_on())
        .filter(|(symbol, _)| {
            // A key of the tree's own is as fixed as the tree.
            let signs = ["MODULE_SIG", "IMA_APPRAISE_MODSIG"].contains(symbol);
            !signs || *key == Value::Text(MADE_KEY.to_owned())
        })
        .map(|(symbol, why)| format!("{symbol} {why}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_key_or_seed_is_refused() {
        let reasons = |text| unreproducible(&DotConfig::parse(text).unwrap());
        assert_eq!(
            reasons(
                "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_KEY=\"certs/signing_key.pem\"\nCONFIG_RANDSTRUCT=y\n"
            ),
            [
                "MODULE_SIG signs modules with a key made at random",
                "RANDSTRUCT shuffles structures by a random seed"
            ]
        );
        assert!(
            reasons("CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_KEY=\"certs/own.pem\"\n").is_empty()
        );
        assert!(reasons("# CONFIG_MODULE_SIG is not set\n").is_empty());
    }

    #[test]
    fn a_symbol_cannot_be_both_omitted_and_requested() {
        let version = "6.12".parse().unwrap();
        let text = "schema: 1\nname: p\nsummary: s\nfragments: {common: []}\nomitted:\n- {symbol: A, reason: r}\n\
            - {symbol: B, reason: r}\n";
        let files = [("profiles/p.yaml".to_owned(), text.to_owned())];
        let profile = Profile::assemble(&files).unwrap();
        let fragment = Fragment::parse("f", b"CONFIG_A=y\n# CONFIG_B is not set\n").unwrap();
        let merged = merge(fragment.requests, version);
        let wrong = contradictions(&files, &profile, &merged, version, Arch::X86_64);
        assert_eq!(
            wrong[0].problems(),
            ["line 6: A is said to be omitted, but f:1 requests it: remove one of the two"]
        );
        assert_eq!(wrong.len(), 1);
    }
}

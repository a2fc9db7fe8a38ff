//! What any kernel for a guest should have, as rows to compare with a configuration: a profile's requests with their
//! levels, features and costs. Pure; the comparison itself and its words are for the caller.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    KernelError,
    demand::{Accept, Asked, Level},
    features::Features,
    fragment::{Origin, Request},
    merge::merge,
    profile::{LoadedProfile, Profile},
    value::{Symbol, Value},
    version::KernelVersion,
};
use crate::arch::Arch;

/// The feature of requests that name none.
pub const OTHER: &str = "other";

/// One symbol that should be something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// The symbol.
    pub symbol: Symbol,
    /// What it may be; the first is what a kernel built from the profile has.
    pub acceptable: Vec<Accept>,
    /// Whether `m` does where `y` is asked for; the module must then be in the initrd.
    pub module_ok: bool,
    /// How much it matters.
    pub level: Level,
    /// The feature it serves, as the table names it; [`OTHER`] when nothing is said.
    pub feature: String,
    /// The feature's title.
    pub title: String,
    /// Why, in a sentence, when the profile or fragment says so.
    pub reason: Option<String>,
    /// What is lost without the feature: `no memory hotplug`.
    pub cost: Option<String>,
    /// Where it is written: file and line.
    #[serde(serialize_with = "as_text")]
    pub origin: Origin,
}

/// How a value compares with a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is acceptable.
    Met,
    /// It is a module where that does, if the initrd has it.
    AsModule,
    /// It is off, or has another value.
    Unmet,
}

impl Requirement {
    /// Returns the value that a kernel built from the profile has; nothing when several would do equally.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self.acceptable.first() {
            Some(Accept::Exactly(value)) => Some(value),
            _ => None,
        }
    }

    /// Compares a value with the requirement.
    #[must_use]
    pub fn outcome(&self, actual: &Value) -> Outcome {
        if self.acceptable.iter().any(|accept| accept.holds(actual)) {
            Outcome::Met
        } else if self.module_ok && *actual == Value::Module {
            Outcome::AsModule
        } else {
            Outcome::Unmet
        }
    }
}

/// Returns what a profile requires of a kernel of this version, grouped in the order of its table of features, then by
/// symbol. A symbol stands there once.
///
/// # Errors
/// Everything that is wrong with the profile and its fragments; [`super::profile::load`] has found nothing of it.
pub fn requirements(
    loaded: &LoadedProfile,
    arch: Arch,
    version: KernelVersion,
) -> Result<Vec<Requirement>, KernelError> {
    let (profile, features, requests) = loaded.read()?;
    let off: Vec<_> = profile.off_requests(version, arch).collect();
    let merged = merge(requests, version).requests;
    // What only our own build wants off is not asked of others.
    let forbidden = off.into_iter().filter(|request| {
        let clauses = &mut profile.forbidden.iter();
        clauses.any(|clause| clause.origin == request.origin)
    });
    let mut rows: BTreeMap<Symbol, Requirement> = merged
        .into_values()
        .filter(|request| !profile.is_waived(request, version, arch))
        .filter_map(|request| match asked(&profile, &features, &request) {
            Asked::OfAll(level) => Some(row(&features, request, level)),
            Asked::OfOurs => None,
        })
        .map(|row| (row.symbol.clone(), row))
        .collect();
    rows.extend(forbidden.map(|request| {
        let row = row(&features, request, Level::Forbidden);
        (row.symbol.clone(), row)
    }));
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by_key(|row| features.place(&row.feature));
    Ok(rows)
}

/// Returns how much a request matters: as its group says, else as the profile says of its feature, else as the table.
fn asked(profile: &Profile, features: &Features, request: &Request) -> Asked {
    let name = feature_of(request);
    request
        .demand
        .level
        .or_else(|| profile.levels.get(name).copied())
        .or_else(|| Some(features.named(name)?.level))
        .unwrap_or(Asked::OfAll(Level::Required))
}

fn feature_of(request: &Request) -> &str {
    request.features.first().map_or(OTHER, String::as_str)
}

fn row(features: &Features, request: Request, level: Level) -> Requirement {
    let name = feature_of(&request).to_owned();
    let feature = features.named(&name);
    let modules = feature.is_none_or(|feature| feature.modules);
    Requirement {
        module_ok: modules && request.value == Value::Yes,
        level,
        title: feature.map_or(&name, |feature| &feature.title).clone(),
        feature: name,
        cost: feature.map(|feature| feature.without.clone()),
        acceptable: [Accept::Exactly(request.value)]
            .into_iter()
            .chain(request.demand.accept)
            .collect(),
        symbol: request.symbol,
        reason: request.reason,
        origin: request.origin,
    }
}

fn as_text<S: serde::Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::kernel::BadFile;

    const TABLE: &str = "schema: 1\nfeatures:\n  vsock: {title: Socket, level: required, without: no agent}\n  \
        boot: {title: Start, level: required, modules: false, without: no start}\n  \
        snp: {title: SNP, level: recommended, without: no SNP}\n  build: {title: Build, level: none, without: nothing}\n";
    const FRAGMENT: &str = "# reason: It starts.\n# feature: boot\n# accept: >=16, any\nCONFIG_NR_CPUS=240\n\n\
        # feature: vsock\nCONFIG_VSOCKETS=y\n# feature: vsock\n# level: recommended\nCONFIG_VSOCKETS_DIAG=y\n\n\
        # feature: snp\n# since: 6.13\nCONFIG_LATER=y\n\n# feature: snp\nCONFIG_SEV=y\nCONFIG_WAIVED=y\n\n\
        CONFIG_BARE=y\n\n# feature: build\nCONFIG_EXPERT=y\n";

    fn loaded(profile: &str, fragment: &str) -> LoadedProfile {
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        LoadedProfile {
            profile_name: "profiles/p.yaml".to_owned(),
            profile_text: format!(
                "schema: 1\nname: p\nsummary: s\nfeatures: features.yaml\nfragments: {{common: [f.conf]}}\n{profile}"
            ),
            more: Vec::new(),
            features: Some(named("features.yaml", TABLE)),
            fragments: vec![named("f.conf", fragment)],
        }
    }

    const PROFILE: &str = "levels: {snp: required}\noff: [{symbol: MODULES, reason: none}]\n\
        forbidden: [{symbol: CMDLINE_FORCE, reason: it hides the runtime's, feature: boot}]\n\
        waivers: [{symbol: WAIVED, reason: gone, versions: <7.0}]\n";

    #[test]
    fn a_requirement_says_what_it_costs_and_what_would_do() {
        let loaded = loaded(PROFILE, FRAGMENT);
        let rows = requirements(&loaded, Arch::X86_64, "6.12".parse().unwrap()).unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let values: Vec<_> = row.acceptable.iter().map(ToString::to_string).collect();
                format!(
                    "{} {} {}={} modules={} {:?} {:?} {}",
                    row.level,
                    row.feature,
                    row.symbol,
                    values.join("|"),
                    row.module_ok,
                    row.cost.as_deref().unwrap_or_default(),
                    row.reason.as_deref().unwrap_or_default(),
                    row.origin
                )
            })
            .collect();
        assert_snapshot!(told.join("\n"), @r#"
        required vsock VSOCKETS=y modules=true "no agent" "" f.conf:7
        recommended vsock VSOCKETS_DIAG=y modules=true "no agent" "" f.conf:10
        forbidden boot CMDLINE_FORCE=n modules=false "no start" "it hides the runtime's" profiles/p.yaml:8
        required boot NR_CPUS=240|>=16|any modules=false "no start" "It starts." f.conf:4
        required snp SEV=y modules=true "no SNP" "" f.conf:17
        required other BARE=y modules=true "" "" f.conf:20
        "#);
        let json = serde_json::to_string(&rows[0]).unwrap();
        assert!(json.contains(r#""acceptable":["y"]"#), "{json}");
        assert!(json.contains(r#""origin":"f.conf:7""#), "{json}");
    }

    #[test]
    fn a_value_meets_a_requirement_or_does_so_as_a_module() {
        let loaded = loaded(PROFILE, FRAGMENT);
        let rows = requirements(&loaded, Arch::X86_64, "6.12".parse().unwrap()).unwrap();
        let outcome = |symbol: &str, value: &str| {
            let row = rows
                .iter()
                .find(|row| row.symbol.as_str() == symbol)
                .unwrap();
            row.outcome(&Value::parse(value).unwrap())
        };
        assert_eq!(outcome("VSOCKETS", "y"), Outcome::Met);
        assert_eq!(outcome("VSOCKETS", "m"), Outcome::AsModule);
        assert_eq!(outcome("VSOCKETS", "n"), Outcome::Unmet);
        assert_eq!(outcome("NR_CPUS", "8192"), Outcome::Met);
        assert_eq!(outcome("NR_CPUS", "n"), Outcome::Unmet);
        assert_eq!(outcome("CMDLINE_FORCE", "n"), Outcome::Met);
        assert_eq!(outcome("CMDLINE_FORCE", "y"), Outcome::Unmet);
        assert_eq!(outcome("CMDLINE_FORCE", "m"), Outcome::Unmet);
    }

    #[test]
    fn a_feature_that_the_table_does_not_have_is_told_where_it_is_named() {
        let profile =
            "levels: {sno: required}\nforbidden: [{symbol: A, reason: r, feature: boat}]\n";
        let fragment = "# feature: vsok\nCONFIG_A=y\nCONFIG_B=y\n\n# feature: gpu\nCONFIG_C=y\n";
        let Err(KernelError::BadInput { files }) = loaded(profile, fragment).read() else {
            panic!("nothing was told");
        };
        let told: Vec<_> = files.iter().flat_map(BadFile::problems).collect();
        assert_snapshot!(told.join("\n"), @"
        line 2: `vsok` is not known here: did you mean `vsock`?
        line 6: `gpu` is not in the table of features: add it there
        line 6: `sno` is not known here: did you mean `snp`?
        line 7: `boat` is not known here: did you mean `boot`?
        ");
    }
}

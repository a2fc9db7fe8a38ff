//! What keeps a list of packages from being closed under its dependencies. All problems of a list are told at once.

/// One thing that is wrong with a list of packages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum Problem {
    /// A requested package does not exist.
    #[error("there is no package `{name}` for {architecture} in {suites}")]
    #[diagnostic(code(debian::unknown_package), help("{}", suggestion(nearest)))]
    Unknown {
        /// The name.
        name: String,
        /// Debian's name of the architecture.
        architecture: String,
        /// The suites that were searched.
        suites: String,
        /// Names like it.
        nearest: Vec<String>,
    },
    /// A requested package is virtual.
    #[error("`{name}` is no package: others provide it")]
    #[diagnostic(code(debian::virtual_package), help("name one of them: {}", providers.join(", ")))]
    Virtual {
        /// The name.
        name: String,
        /// Who provides it.
        providers: Vec<String>,
    },
    /// A dependency is satisfied by nothing.
    #[error("`{package}` needs `{needs}`, which nothing satisfies: {lack}")]
    #[diagnostic(
        code(debian::unsatisfiable),
        help("{}; is a suite missing in `debian.suites`?", why(chain))
    )]
    Unsatisfiable {
        /// The package that needs it.
        package: String,
        /// The dependency, with its alternatives.
        needs: String,
        /// What there is instead.
        lack: String,
        /// From the requested package to this one.
        chain: Vec<String>,
        /// Names of the dependency's alternatives.
        alternatives: Vec<String>,
    },
    /// Two packages cannot be together.
    #[error(
        "`{package}` and `{other}` cannot be together: `{package}` conflicts with `{relation}`"
    )]
    #[diagnostic(code(debian::conflict), help("{}; {}", why(chain), why(other_chain)))]
    Conflict {
        /// The one that says so.
        package: String,
        /// The other.
        other: String,
        /// What it says.
        relation: String,
        /// From the requested package to the first.
        chain: Vec<String>,
        /// From the requested package to the other.
        other_chain: Vec<String>,
    },
    /// A package's relations or version cannot be read.
    #[error("`{package}` has an unreadable `{field}:`: {why}")]
    #[diagnostic(code(debian::relation))]
    Unreadable {
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl Problem {
    /// Returns the names of packages another version of which could make the problem go away.
    pub(super) fn involved(&self) -> Vec<&str> {
        match self {
            Self::Unknown { .. } | Self::Virtual { .. } | Self::Unreadable { .. } => Vec::new(),
            Self::Unsatisfiable {
                package,
                alternatives,
                ..
            } => [package]
                .into_iter()
                .chain(alternatives)
                .map(String::as_str)
                .collect(),
            Self::Conflict { package, other, .. } => vec![package, other],
        }
    }
}

fn suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "is a suite or a component missing in the manifest?".to_owned()
    } else {
        format!("did you mean {}?", quoted(nearest, " or "))
    }
}

fn quoted(names: &[String], between: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(between)
}

/// Says why the last of the chain is wanted.
fn why(chain: &[String]) -> String {
    let Some((requested, needed)) = chain.split_first() else {
        return String::new();
    };
    let needed: String = needed
        .iter()
        .map(|name| format!(", which needs `{name}`"))
        .collect();
    format!("`{requested}` is requested{needed}")
}

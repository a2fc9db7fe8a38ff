//! The reference configuration in the forms that distributions keep theirs in. Every form says why each option is
//! there. Pure text; which options there are is for `requirements`.

use std::fmt::Write;

use super::{
    demand::Level, modules, requirements::Requirement, value::Value, version::KernelVersion,
};
use crate::arch::Arch;

/// Whose kernel packaging a fragment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packaging {
    /// Nobody's in particular: what `merge_config.sh` takes.
    Any,
    /// Debian's source package `linux`.
    Debian,
    /// Fedora's source package `kernel`.
    Fedora,
    /// SUSE's `kernel-source`.
    Suse,
}

/// How a driver that may be a module is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drivers {
    /// As the profile has it: built in.
    BuiltIn,
    /// As a module, where that does.
    Modules,
}

/// What is exported.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// The architecture.
    pub arch: Arch,
    /// The kernel's version.
    pub version: KernelVersion,
    /// The requirements, grouped by feature.
    pub requirements: &'a [Requirement],
    /// How drivers are written.
    pub drivers: Drivers,
}

impl Reference<'_> {
    /// Returns a Kconfig fragment.
    #[must_use]
    pub fn fragment(&self, packaging: Packaging) -> String {
        let mut text = String::new();
        let mark = match packaging {
            Packaging::Debian => "##",
            _ => "#",
        };
        for line in self.head(packaging) {
            let _ = writeln!(text, "{mark} {line}");
        }
        for group in self.groups() {
            text.push('\n');
            for line in comments(group[0]) {
                let _ = writeln!(text, "{mark} {line}");
            }
            for requirement in group {
                if let Some(value) = self.value(requirement) {
                    let _ = writeln!(text, "{}", value.line_for(&requirement.symbol));
                }
            }
        }
        text
    }

    /// Returns a NixOS module.
    #[must_use]
    pub fn nix(&self) -> String {
        let mut text = String::new();
        for line in self.head(Packaging::Any) {
            let _ = writeln!(text, "# {line}");
        }
        let name = format!("{}-{}", self.profile, self.arch);
        let _ = write!(
            text,
            "{{ lib, ... }}:\n{{\n  boot.kernelPatches = [\n    {{\n      name = \"{name}\";\n      patch = null;\n      \
             structuredExtraConfig = with lib.kernel; {{\n"
        );
        for (index, group) in self.groups().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            for line in comments(group[0]) {
                let _ = writeln!(text, "        # {line}");
            }
            for requirement in group {
                let symbol = requirement.symbol.as_str();
                // A name that begins with a digit is none in Nix.
                let name = match symbol.starts_with(|first: char| first.is_ascii_digit()) {
                    true => format!("\"{symbol}\""),
                    false => symbol.to_owned(),
                };
                if let Some(value) = self.value(requirement) {
                    let _ = writeln!(text, "        {name} = {};", nix(&value));
                }
            }
        }
        text += "      };\n    }\n  ];\n}\n";
        text
    }

    /// Returns JSON: one object with every requirement and all that is known of it.
    #[must_use]
    pub fn json(&self) -> String {
        let value = serde_json::json!({
            "schema": 1,
            "profile": self.profile,
            "architecture": self.arch,
            "kernel": self.version.to_string(),
            "requirements": self.requirements,
        });
        let mut text = serde_json::to_string_pretty(&value).expect("requirements are plain data");
        text.push('\n');
        text
    }

    /// Says what the text is and where it belongs.
    fn head(&self, packaging: Packaging) -> Vec<String> {
        let Self {
            profile,
            arch,
            version,
            ..
        } = self;
        let mut lines = vec![
            format!(
                "What a guest kernel of Kata Containers needs: profile {profile}, Linux {version}, {arch}."
            ),
            format!("Written by kata-artifacts {}.", env!("CARGO_PKG_VERSION")),
        ];
        let debian = arch.debian();
        let place = match packaging {
            Packaging::Any => None,
            Packaging::Debian => Some(format!(
                "For debian/config/{debian}/config of the source package linux, or a flavour's config beside it."
            )),
            Packaging::Fedora => Some(
                "For kernel-local of the source package kernel, which is merged last.".to_owned(),
            ),
            Packaging::Suse => Some(format!(
                "For config/{}/FLAVOR of kernel-source: a flavor's own file, merged with config/{}/default.",
                suse(*arch),
                suse(*arch)
            )),
        };
        lines.extend(place);
        lines
    }

    /// Returns the requirements in groups that share feature, level and reason.
    fn groups(&self) -> impl Iterator<Item = Vec<&Requirement>> {
        let mut groups: Vec<Vec<&Requirement>> = Vec::new();
        for requirement in self.requirements {
            let key = |it: &Requirement| (it.feature.clone(), it.level, it.reason.clone());
            match groups
                .iter_mut()
                .find(|group| key(group[0]) == key(requirement))
            {
                Some(group) => group.push(requirement),
                None => groups.push(vec![requirement]),
            }
        }
        groups.into_iter()
    }

    /// Returns the value that is written; nothing when no single one is asked for.
    fn value(&self, requirement: &Requirement) -> Option<Value> {
        // An option without modules is one that is on or off.
        let is_driver = requirement.module_ok && !modules::of(&requirement.symbol).is_empty();
        match (self.drivers, is_driver) {
            (Drivers::Modules, true) => Some(Value::Module),
            _ => requirement.value().cloned(),
        }
    }
}

/// Says why the options below are there, as `fragment` reads it.
fn comments(requirement: &Requirement) -> Vec<String> {
    let mut lines = Vec::new();
    let reason = requirement.reason.as_ref();
    lines.extend(reason.map(|reason| format!("reason: {reason}")));
    lines.push(format!("feature: {}", requirement.feature));
    if requirement.level == Level::Recommended {
        lines.push("level: recommended".to_owned());
    }
    if let (Some(cost), true) = (&requirement.cost, requirement.level != Level::Forbidden) {
        lines.push(format!("Without it: {cost}."));
    }
    lines
}

fn nix(value: &Value) -> String {
    match value {
        Value::Yes => "yes".to_owned(),
        Value::Module => "module".to_owned(),
        Value::No => "no".to_owned(),
        Value::Number(digits) => format!("freeform \"{digits}\""),
        Value::Text(text) => {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("freeform \"{}\"", text.replace("${", "\\${"))
        }
    }
}

/// Returns SUSE's name of the architecture.
fn suse(arch: Arch) -> &'static str {
    match arch {
        Arch::Aarch64 => "arm64",
        other => other.name(),
    }
}

//! Relations between packages as Debian's policy writes them (7.1): alternatives, versions, architecture qualifiers.
//! Whether something satisfies them is asked here of one package at a time; choosing among packages is for `closure`.

use std::{cmp::Ordering, fmt};

use debversion::Version;

/// One alternative of a dependency: `libc6 (>= 2.38)`, `python3:any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The package's name.
    pub name: String,
    /// What follows its `:`: an architecture, `any` or `native`.
    pub qualifier: Option<String>,
    /// The versions that will do.
    pub version: Option<(Operator, Version)>,
}

/// How versions must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// A field that is not a list of relations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a relation between packages")]
pub struct BadRelation(String);

/// Reads `a (>= 1) | b, c`: a list of groups of alternatives.
///
/// # Errors
/// One of them is no relation.
pub fn parse(field: &str) -> Result<Vec<Vec<Relation>>, BadRelation> {
    field
        .split(',')
        .map(str::trim)
        .filter(|group| !group.is_empty())
        .map(|group| group.split('|').map(Relation::parse).collect())
        .collect()
}

/// Reads `Provides`, `Conflicts` or `Breaks`: as [`parse`], without alternatives.
///
/// # Errors
/// One of them is no relation.
pub fn parse_list(field: &str) -> Result<Vec<Relation>, BadRelation> {
    Ok(parse(field)?.into_iter().flatten().collect())
}

impl Relation {
    fn parse(text: &str) -> Result<Self, BadRelation> {
        let text = text.trim();
        let bad = || BadRelation(text.to_owned());
        let (name, rest) = match text.find(|c: char| c == '(' || c.is_whitespace()) {
            Some(end) => (&text[..end], text[end..].trim()),
            None => (text, ""),
        };
        let (name, qualifier) = match name.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier.to_owned())),
            None => (name, None),
        };
        if !is_name(name) {
            return Err(bad());
        }
        let version = match rest {
            "" => None,
            rest => {
                let inner = rest
                    .strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'))
                    .ok_or_else(bad)?;
                Some(Operator::split(inner.trim()).ok_or_else(bad)?)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            qualifier,
            version,
        })
    }

    /// Tells whether `version` is one that will do.
    #[must_use]
    pub fn admits(&self, version: &Version) -> bool {
        self.version
            .as_ref()
            .is_none_or(|(operator, bound)| operator.holds(version.cmp(bound)))
    }
}

/// Tells whether a text is a package's name (Debian policy, 5.6.1; capitals occur in old archives).
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() > 1
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}

impl Operator {
    fn split(text: &str) -> Option<(Self, Version)> {
        let end = text.find(|c| !matches!(c, '<' | '>' | '='))?;
        let operator = match &text[..end] {
            "<<" => Self::Earlier,
            // A lone `<` or `>` means or-equal (policy, 7.1: obsolete forms).
            "<=" | "<" => Self::EarlierOrEqual,
            "=" => Self::Equal,
            ">=" | ">" => Self::LaterOrEqual,
            ">>" => Self::Later,
            _ => return None,
        };
        Some((operator, text[end..].trim().parse().ok()?))
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Earlier => ordering.is_lt(),
            Self::EarlierOrEqual => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::LaterOrEqual => ordering.is_ge(),
            Self::Later => ordering.is_gt(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        })
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        match &self.version {
            Some((operator, version)) => write!(f, " ({operator} {version})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_read_back_as_they_are_written() {
        for text in [
            "libc6 (>= 2.38)",
            "python3:any",
            "gcc-14-base (= 14.2.0-19)",
            "perl:any (>> 5.36.0-4~)",
            "g++",
        ] {
            let parsed = parse_list(text).unwrap();
            assert_eq!(parsed.len(), 1);
            assert_eq!(parsed[0].to_string(), text);
        }
    }

    #[test]
    fn a_field_is_groups_of_alternatives() {
        let field = "debconf (>= 0.5) | debconf-2.0,\n libc6(>=2.3), dpkg (>> 1.14.20) ,";
        let groups: Vec<Vec<String>> = parse(field)
            .unwrap()
            .into_iter()
            .map(|group| group.iter().map(ToString::to_string).collect())
            .collect();
        assert_eq!(
            groups,
            [
                vec!["debconf (>= 0.5)", "debconf-2.0"],
                vec!["libc6 (>= 2.3)"],
                vec!["dpkg (>> 1.14.20)"]
            ]
        );
        assert_eq!(parse("").unwrap(), Vec::<Vec<Relation>>::new());
    }

    #[test]
    fn what_is_no_relation_is_refused() {
        for text in [
            "a b",
            "x",
            "foo (2.0)",
            "foo (>= 2.0",
            "foo (>= )",
            "foo (=> 1)",
            "fo*",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_compare_as_dpkg_compares_them() {
        // (relation, version, whether it holds), each checked with `dpkg --compare-versions`.
        for (relation, version, holds) in [
            ("aa (>= 1.0)", "1.0~rc1", false),
            ("aa (>= 1.0~)", "1.0~rc1", true),
            ("aa (>= 1.0)", "1.0-1", true),
            ("aa (= 1.0)", "1.0-0", true),
            ("aa (<< 1:0.1)", "9.9", true),
            ("aa (>> 1.9)", "1.10", true),
            ("aa (>> 6.9.5)", "6.11", true),
            ("aa (<= 2.41-12+deb13u4)", "2.41-12+deb13u10", false),
            ("aa (<< 1.0+b1)", "1.0", true),
            ("aa (>> 1.0a)", "1.0+", true),
            ("aa (= 1.00)", "1.0", true),
            ("aa (< 1.0)", "1.0", true),
        ] {
            let relation_text = relation;
            let relation = &parse_list(relation).unwrap()[0];
            assert_eq!(
                relation.admits(&version.parse().unwrap()),
                holds,
                "{relation_text} and {version}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[a-z0-9 ,|()<>=:.~+é-]{0,40}") {
            if let Ok(relations) = parse(&text) {
                for relation in relations.into_iter().flatten() {
                    let again = parse_list(&relation.to_string()).unwrap();
                    proptest::prop_assert_eq!(again, vec![relation]);
                }
            }
        }
    }
}

//! What is wrong with a manifest, where, and what to write instead. How it was found is in `raw` and `check`; how it is
//! printed is miette's, for people, and [`Problems::to_json`], for programs.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode, SourceSpan};

/// More problems than this are counted, not shown: nobody reads them, and a hostile file has no end of them.
const SHOWN: usize = 100;

/// The kinds of mistake. Each has a code that does not change between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// Larger, longer or deeper than a manifest may be, also by way of aliases.
    TooLarge,
    /// Not text: not UTF-8, or with control characters.
    NotText,
    /// Not YAML.
    Syntax,
    /// A part of YAML that manifests do without: tags, merge keys, several documents, keys that are not text.
    UnusedYaml,
    /// A key that stands twice in one mapping.
    DuplicateKey,
    /// A schema this version does not read.
    UnknownSchema,
    /// A field that does not exist.
    UnknownField,
    /// A field that must be there is not.
    MissingField,
    /// A number where text belongs, text where a list belongs, ….
    WrongType,
    /// Fields that exclude each other, or a form that is incomplete.
    WrongForm,
    /// A value with the right type and wrong letters: a name, a version, a URL, a digest, ….
    BadValue,
    /// A number, size or mode outside what is possible.
    OutOfRange,
    /// An architecture that is known, and that this version does not build.
    NotBuildable,
    /// A value that stands twice in a list.
    DuplicateValue,
    /// A file or directory that is not there, or is of the other kind.
    BadReference,
    /// A path of the guest that is no absolute, plain path.
    BadGuestPath,
    /// Entries of the root file system that cannot exist together.
    Conflict,
    /// A name that this product keeps for itself.
    Reserved,
}

impl Mistake {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::TooLarge,
        Self::NotText,
        Self::Syntax,
        Self::UnusedYaml,
        Self::DuplicateKey,
        Self::UnknownSchema,
        Self::UnknownField,
        Self::MissingField,
        Self::WrongType,
        Self::WrongForm,
        Self::BadValue,
        Self::OutOfRange,
        Self::NotBuildable,
        Self::DuplicateValue,
        Self::BadReference,
        Self::BadGuestPath,
        Self::Conflict,
        Self::Reserved,
    ];

    /// Returns the code, for instance `manifest::unknown_field`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "manifest::too_large",
            Self::NotText => "manifest::not_text",
            Self::Syntax => "manifest::syntax",
            Self::UnusedYaml => "manifest::unused_yaml",
            Self::DuplicateKey => "manifest::duplicate_key",
            Self::UnknownSchema => "manifest::unknown_schema",
            Self::UnknownField => "manifest::unknown_field",
            Self::MissingField => "manifest::missing_field",
            Self::WrongType => "manifest::wrong_type",
            Self::WrongForm => "manifest::wrong_form",
            Self::BadValue => "manifest::bad_value",
            Self::OutOfRange => "manifest::out_of_range",
            Self::NotBuildable => "manifest::not_buildable",
            Self::DuplicateValue => "manifest::duplicate_value",
            Self::BadReference => "manifest::bad_reference",
            Self::BadGuestPath => "manifest::bad_guest_path",
            Self::Conflict => "manifest::conflict",
            Self::Reserved => "manifest::reserved",
        }
    }
}

/// One mistake, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub mistake: Mistake,
    /// What is wrong, as a sentence without a period.
    pub message: String,
    /// The field, from the top, for instance `kernel.config.base`; empty for the whole file.
    pub field: String,
    /// Bytes of the text that are wrong. Absent when the text cannot be shown.
    pub at: Option<SourceSpan>,
    /// A few words at that place; may be empty.
    pub label: String,
    /// Other places that matter, with words for each.
    pub others: Vec<(SourceSpan, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(mistake: Mistake, message: impl Into<String>) -> Self {
        Self {
            mistake,
            message: message.into(),
            field: String::new(),
            at: None,
            label: String::new(),
            others: Vec::new(),
            help: None,
        }
    }

    pub(super) fn at(mut self, span: SourceSpan, label: impl Into<String>) -> Self {
        self.at = Some(span);
        self.label = label.into();
        self
    }

    pub(super) fn field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.field);
        self
    }

    pub(super) fn other(mut self, span: SourceSpan, label: impl Into<String>) -> Self {
        self.others.push((span, label.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.mistake.code()))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_deref().map(|help| Box::new(help) as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let words = |label: &str| (!label.is_empty()).then(|| label.to_owned());
        let first = self
            .at
            .map(|span| LabeledSpan::new_primary_with_span(words(&self.label), span));
        let others = self
            .others
            .iter()
            .map(move |(span, label)| LabeledSpan::new_with_span(words(label), *span));
        Some(Box::new(first.into_iter().chain(others)))
    }
}

/// Everything that is wrong with one manifest, in the order of its text; at least one problem.
#[derive(Clone, Debug)]
pub struct Problems {
    path: PathBuf,
    source: Box<NamedSource<String>>,
    shown: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(super) fn new(path: &Path, text: &str, mut found: Vec<Problem>) -> Self {
        found.sort_by_key(|problem| (problem.at.map_or(0, |span| span.offset()), problem.mistake));
        let more = found.len().saturating_sub(SHOWN);
        found.truncate(SHOWN);
        Self {
            path: path.to_owned(),
            source: Box::new(NamedSource::new(
                path.display().to_string(),
                text.to_owned(),
            )),
            shown: found,
            more,
        }
    }

    /// Returns the manifest's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the problems in the order of the text: all, or the first hundred.
    #[must_use]
    pub fn shown(&self) -> &[Problem] {
        &self.shown
    }

    /// Returns how many problems there are in all, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shown.len() + self.more
    }

    /// Returns an array of objects: `path` (of the manifest), `field`, `line` and `column` (from 1, in characters; null
    /// where there is no place), `message`, `help` (or null) and `code`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.shown
            .iter()
            .map(|problem| {
                let place = problem.at.map(|span| self.place(span.offset()));
                serde_json::json!({
                    "path": self.path.display().to_string(),
                    "field": problem.field,
                    "line": place.map(|(line, _)| line),
                    "column": place.map(|(_, column)| column),
                    "message": problem.message,
                    "help": problem.help,
                    "code": problem.mistake.code(),
                })
            })
            .collect()
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let text = self.source.inner();
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.count() {
            1 => write!(f, "`{path}` has a mistake"),
            count => write!(f, "`{path}` has {count} mistakes"),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("manifest::wrong"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let shown = self.shown.len();
        (self.more > 0).then(|| Box::new(format!("the first {shown} are shown")) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.shown.iter().map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

//! Trees made and shown in tests: files in a folder for the one, a line for each thing for the other.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use super::{
    KconfigError,
    oracle::{Answers, Recorded},
    parse::{self, Notice, Reading},
    syntax::{Attribute, Entry, Expr, Says, Term, Tree},
};

/// Reads these files, of which the first is the top. Commands print what `answers` says.
pub(super) fn reading(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
    answers: &[(&str, &str)],
) -> Result<Reading, KconfigError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect()
    };
    let variables = pairs(variables);
    let mut known = Answers::default();
    for (command, printed) in answers {
        known.extend(
            vec![(*command).to_owned()],
            vec![printed.as_bytes().to_vec()],
        );
    }
    let mut oracle = Recorded::new(&variables, &known);
    parse::read(folder.path(), files[0].0, &mut oracle)
}

pub(super) fn read(files: &[(&str, &str)]) -> (Tree, Vec<Notice>) {
    match reading(files, &[], &[]) {
        Ok(Reading::Done(tree, notices)) => (*tree, notices),
        Ok(Reading::Asks(commands)) => panic!("asks {commands:?}"),
        Err(error) => panic!("{}", mistakes_of(&error)),
    }
}

/// Returns what one file says, in a form of one line for each thing.
pub(super) fn says(text: &str) -> String {
    shown(&read(&[("Kconfig", text)]).0)
}

pub(super) fn shown(tree: &Tree) -> String {
    let mut out = String::new();
    entries(&tree.entries, "", &mut out);
    out
}

pub(super) fn mistakes_of(error: &KconfigError) -> String {
    match error {
        KconfigError::Syntax { problems } => problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect(),
        other => other.to_string(),
    }
}

/// Returns the mistakes in these files.
pub(super) fn mistakes(files: &[(&str, &str)]) -> String {
    mistakes_of(&reading(files, &[], &[]).unwrap_err())
}

fn entries(all: &[Entry], indent: &str, out: &mut String) {
    let deeper = format!("{indent}  ");
    for entry in all {
        let (head, lines, inside): (String, &[Attribute], &[Entry]) = match entry {
            Entry::Config(config) if config.menu => (
                format!("menuconfig {}", config.name),
                &config.attributes,
                &[],
            ),
            Entry::Config(config) => (format!("config {}", config.name), &config.attributes, &[]),
            Entry::Comment(comment) => (
                format!("comment {:?}", comment.text),
                &comment.attributes,
                &[],
            ),
            Entry::Menu(menu) => (
                format!("menu {:?}", menu.title),
                &menu.attributes,
                &menu.entries,
            ),
            Entry::Choice(choice) => {
                let name = choice.name.as_deref().unwrap_or("-");
                (
                    format!("choice {name}"),
                    &choice.attributes,
                    &choice.entries,
                )
            }
            Entry::If(block) => (
                format!("if {}", expression(&block.condition)),
                &[],
                &block.entries,
            ),
        };
        let _ = writeln!(out, "{indent}{head}");
        for line in lines {
            let _ = writeln!(out, "{deeper}{}", attribute(&line.says));
        }
        entries(inside, &deeper, out);
    }
}

fn attribute(says: &Says) -> String {
    let when = |condition: &Option<Expr>| match condition {
        Some(condition) => format!(" if {}", expression(condition)),
        None => String::new(),
    };
    match says {
        Says::Type(kind) => format!("{kind:?}").to_lowercase(),
        Says::Prompt { text, condition } => format!("prompt {text:?}{}", when(condition)),
        Says::Default { value, condition } => {
            format!("default {}{}", expression(value), when(condition))
        }
        Says::Select { target, condition } => format!("select {target}{}", when(condition)),
        Says::Imply { target, condition } => format!("imply {target}{}", when(condition)),
        Says::DependsOn(needed) => format!("depends {}", expression(needed)),
        Says::DependsOnIf(needed, condition) => format!(
            "depends {} if {}",
            expression(needed),
            expression(condition)
        ),
        Says::VisibleIf(condition) => format!("visible {}", expression(condition)),
        Says::Range {
            low,
            high,
            condition,
        } => format!("range {} {}{}", term(low), term(high), when(condition)),
        Says::Modules => "modules".to_owned(),
        Says::Transitional => "transitional".to_owned(),
        Says::Optional => "optional".to_owned(),
        Says::Help(text) => format!("help {text:?}"),
    }
}

fn expression(expr: &Expr) -> String {
    match expr {
        Expr::Term(alone) => term(alone),
        Expr::Not(inner) => format!("!{}", expression(inner)),
        Expr::And(left, right) => format!("({} && {})", expression(left), expression(right)),
        Expr::Or(left, right) => format!("({} || {})", expression(left), expression(right)),
        Expr::Compare(relation, left, right) => {
            format!("[{} {relation} {}]", term(left), term(right))
        }
    }
}

fn term(term: &Term) -> String {
    match term {
        Term::Word(name) => name.to_string(),
        Term::Constant(text) => format!("'{text}'"),
    }
}

//! From YAML events to the tree. No recursion over what was written: depth is bounded before a node exists.

use std::{collections::BTreeMap, mem};

use miette::SourceSpan;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{DEEPEST, Key, MOST_VALUES, Node, Scalar, Text, Value, syntax};
use crate::manifest::{
    problem::{Mistake, Problem},
    words::quoted,
};

pub(super) fn tree(text: &Text) -> Result<(Node, Vec<Problem>), Vec<Problem>> {
    let mut builder = Builder {
        text,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        values: 0,
        documents: 0,
        root: None,
        problems: Vec::new(),
    };
    for event in Parser::new_from_str(&text.shown) {
        let result = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => {
                let flow = builder.open.iter().rev().find(|open| open.flow);
                Err(Box::new(syntax::problem(
                    text,
                    &error,
                    flow.map(|open| open.span),
                )))
            }
        };
        match result {
            Ok(Reading::Goes) => {}
            Ok(Reading::Ends) => break,
            Err(problem) => {
                builder.problems.push(*problem);
                return Err(builder.problems);
            }
        }
    }
    builder.finish()
}

/// Whether there is more to read.
enum Reading {
    Goes,
    Ends,
}

struct Builder<'t> {
    text: &'t Text,
    open: Vec<Open>,
    /// What each anchor names, with the number of values in it.
    anchors: BTreeMap<usize, (Node, usize)>,
    values: usize,
    documents: usize,
    root: Option<Node>,
    problems: Vec<Problem>,
}

/// A list or mapping whose end has not been read.
struct Open {
    anchor: usize,
    span: SourceSpan,
    /// Whether it was written with brackets.
    flow: bool,
    /// How many values there were before it.
    before: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        places: BTreeMap<String, SourceSpan>,
        key: Waiting,
    },
}

/// Whether a value was written on one line, as far as is known where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Several,
}

/// The key whose value comes next.
enum Waiting {
    None,
    Key(Key),
    /// A key that is no text; its value is dropped.
    Unusable,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<Reading, Box<Problem>> {
        let at = self.text.span(span.start.index(), span.end.index());
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Problem::new(Mistake::UnusedYaml, "a second document")
                        .at(at, "begins here")
                        .help("a file holds one manifest: remove the `---`, or make it two files")
                        .into());
                }
            }
            Event::StreamEnd => return Ok(Reading::Ends),
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref(), at);
                self.count(1, at)?;
                let scalar = Scalar {
                    text: text.into_owned(),
                    quoted: style != ScalarStyle::Plain,
                };
                let node = node(at, Value::Scalar(scalar));
                self.name(anchor, &node, 1);
                self.place(node, Lines::One);
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), at);
                self.open(anchor, at, Parts::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), at);
                let parts = Parts::Map {
                    entries: Vec::new(),
                    places: BTreeMap::new(),
                    key: Waiting::None,
                };
                self.open(anchor, at, parts)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(anchor) => self.alias(anchor, at)?,
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
        }
        Ok(Reading::Goes)
    }

    fn open(&mut self, anchor: usize, span: SourceSpan, parts: Parts) -> Result<(), Box<Problem>> {
        self.deep(self.open.len() + 1, span)?;
        self.count(1, span)?;
        let flow = self.text.covered(span).ends_with(['[', '{']);
        self.open.push(Open {
            anchor,
            span,
            flow,
            before: self.values,
            parts,
        });
        Ok(())
    }

    fn close(&mut self, end: SourceSpan) {
        let Some(open) = self.open.pop() else { return };
        let span = if open.flow {
            let start = open.span.offset();
            (start, end.offset() + end.len() - start).into()
        } else {
            open.span
        };
        let value = match open.parts {
            Parts::List(items) => Value::List(items),
            Parts::Map { entries, .. } => Value::Map(entries),
        };
        // A block has no span of its own: it shows the line it begins on until its key is known.
        let (span, lines) = match open.flow {
            true => (span, Lines::One),
            false => (self.rest_of_line(span), Lines::Several),
        };
        let node = node(span, value);
        self.name(open.anchor, &node, self.values - open.before + 1);
        self.place(node, lines);
    }

    fn alias(&mut self, anchor: usize, at: SourceSpan) -> Result<(), Box<Problem>> {
        let Some((named, values)) = self.anchors.get(&anchor) else {
            return Err(
                Problem::new(Mistake::Syntax, "an alias inside what it names")
                    .at(at, "has no end")
                    .help("write the value out")
                    .into(),
            );
        };
        let (named, values) = (named.clone(), *values);
        self.deep(self.open.len() + height(&named), at)?;
        self.count(values, at)?;
        self.place(named, Lines::One);
        Ok(())
    }

    fn deep(&self, depth: usize, at: SourceSpan) -> Result<(), Box<Problem>> {
        if depth > DEEPEST {
            let message = format!("more than {DEEPEST} lists and mappings inside each other");
            return Err(Problem::new(Mistake::TooLarge, message)
                .at(at, "too deep")
                .into());
        }
        Ok(())
    }

    fn count(&mut self, values: usize, at: SourceSpan) -> Result<(), Box<Problem>> {
        self.values += values;
        if self.values > MOST_VALUES {
            let message =
                format!("a manifest has at most {MOST_VALUES} values, aliases written out");
            return Err(Problem::new(Mistake::TooLarge, message)
                .at(at, "one too many")
                .help("an alias of aliases multiplies: write out what is needed")
                .into());
        }
        Ok(())
    }

    fn name(&mut self, anchor: usize, node: &Node, values: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), values));
        }
    }

    fn tag(&mut self, tag: Option<&saphyr_parser::Tag>, at: SourceSpan) {
        if let Some(tag) = tag {
            let tag = quoted(&tag.to_string());
            self.problems.push(
                Problem::new(Mistake::UnusedYaml, format!("the tag {tag}"))
                    .at(at, "")
                    .help("manifests have no tags: remove it; quotes make text of a number"),
            );
        }
    }

    fn place(&mut self, mut node: Node, lines: Lines) {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        let (entries, places, key) = match &mut open.parts {
            Parts::List(items) => return items.push(node),
            Parts::Map {
                entries,
                places,
                key,
            } => (entries, places, key),
        };
        match mem::replace(key, Waiting::None) {
            Waiting::None => match node.value {
                Value::Scalar(scalar) => {
                    let span = node.span;
                    let text = scalar.text;
                    if text == "<<" && !scalar.quoted {
                        self.problems.push(
                            Problem::new(Mistake::UnusedYaml, "a merge key")
                                .at(span, "")
                                .help("manifests do not merge mappings: write the fields out"),
                        );
                        *key = Waiting::Unusable;
                    } else {
                        *key = Waiting::Key(Key { text, span });
                    }
                }
                Value::List(_) | Value::Map(_) => {
                    self.problems.push(
                        Problem::new(Mistake::UnusedYaml, "a key that is not text")
                            .at(node.span, "a list or mapping")
                            .help("text in braces or brackets needs quotes"),
                    );
                    *key = Waiting::Unusable;
                }
            },
            Waiting::Unusable => {}
            Waiting::Key(key) => {
                if let Some(first) = places.get(&key.text) {
                    let message = format!("{} stands here twice", quoted(&key.text));
                    self.problems.push(
                        Problem::new(Mistake::DuplicateKey, message)
                            .at(key.span, "again")
                            .other(*first, "first here")
                            .help("remove one of them"),
                    );
                    return;
                }
                let several =
                    lines == Lines::Several || self.text.covered(node.span).contains('\n');
                if several || node.span.is_empty() {
                    node.span = key.span;
                }
                places.insert(key.text.clone(), key.span);
                entries.push((key, node));
            }
        }
    }

    fn rest_of_line(&self, span: SourceSpan) -> SourceSpan {
        let (start, line) = self.text.line(span.offset());
        let end = start + line.trim_end().len();
        (span.offset(), end.saturating_sub(span.offset())).into()
    }

    fn finish(mut self) -> Result<(Node, Vec<Problem>), Vec<Problem>> {
        let written =
            |root: &Node| !matches!(&root.value, Value::Scalar(scalar) if scalar.text.is_empty());
        if let Some(mut root) = self.root.filter(written) {
            root.label(String::new());
            return Ok((root, self.problems));
        }
        self.problems.push(
            Problem::new(Mistake::Syntax, "the manifest is empty")
                .help("manifests/README.md has the smallest one that builds"),
        );
        Err(self.problems)
    }
}

impl Node {
    /// Sets the names of fields, here and below.
    fn label(&mut self, field: String) {
        match &mut self.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.label(format!("{field}[{index}]"));
                }
            }
            Value::Map(entries) => {
                for (key, node) in entries {
                    let name = quoted(&key.text);
                    let name = name.trim_matches('`');
                    node.label(if field.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{field}.{name}")
                    });
                }
            }
        }
        self.field = field;
    }
}

fn node(span: SourceSpan, value: Value) -> Node {
    Node {
        span,
        field: String::new(),
        value,
    }
}

/// Returns how many lists and mappings stand inside each other in `node`. Never more than [`DEEPEST`].
fn height(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 0,
        Value::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Value::Map(entries) => {
            1 + entries
                .iter()
                .map(|(_, node)| height(node))
                .max()
                .unwrap_or(0)
        }
    }
}

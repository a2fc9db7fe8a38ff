//! `inspect`: what an artifact says of itself, and what refers to it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{
    failure::Failure,
    output::{self, result},
    registry::{Registries, failed},
    session::Session,
};
use crate::{
    event::size,
    oci::{
        document::{Body, Descriptor, Document, is_document},
        place::{self, Place, PlaceError, PlatformWish},
        reference::Reference,
    },
};

/// How deep `--tree` looks.
const MOST_DEPTH: usize = 5;

/// Show what an artifact is made of, and what refers to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts inspect registry.example/kata:6.12          platforms, files, annotations
  kata-artifacts inspect registry.example/kata:6.12 --tree   also SBOMs and signatures
  kata-artifacts inspect oci:out/kata/oci --raw              the index's own bytes")]
pub(crate) struct Args {
    /// The artifact
    reference: Reference,

    /// Show only the manifest for this platform
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    /// Show everything below it, and what refers to that
    #[arg(long, conflicts_with = "raw")]
    tree: bool,

    /// Print the manifest's or index's bytes as they are
    #[arg(long, conflicts_with = "json")]
    raw: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let place = self
            .registries
            .open(&self.reference, "inspect", session, &store)?;
        let document = place::root(&place, self.reference.name())
            .and_then(|root| match &self.platform {
                Some(wish) => place::select(&place, root, wish),
                None => Ok(root),
            })
            .map_err(|error| failed(error, session))?;
        if self.raw {
            output::bytes(&document.raw);
            return Ok(());
        }
        if self.tree {
            let tree = branch(&place, &document, 0).map_err(|error| failed(error, session))?;
            if self.json {
                output::json(&json!({"schema": 1, "tree": tree.json()}));
            } else {
                let mut text = String::new();
                tree.write(&mut text, "", "");
                result(&text);
            }
        } else if self.json {
            let manifest: Value = serde_json::from_slice(&document.raw).unwrap_or_default();
            let value = json!({
                "schema": 1, "reference": self.reference.with(None).to_string(), "digest": document.digest,
                "mediaType": document.media_type, "artifactType": document.artifact_type, "manifest": manifest,
            });
            output::json(&value);
        } else {
            result(&plain(&document, &self.reference));
        }
        Ok(())
    }
}

/// A document and what hangs on it.
struct Branch {
    document: Document,
    descriptor: Option<Descriptor>,
    children: Vec<Branch>,
    referrers: Vec<Branch>,
}

fn branch(place: &Place<'_>, document: &Document, depth: usize) -> Result<Branch, PlaceError> {
    let (mut children, mut referrers) = (Vec::new(), Vec::new());
    if depth < MOST_DEPTH {
        for child in document
            .children()
            .iter()
            .filter(|it| is_document(&it.media_type))
        {
            let mut below = branch(place, &place.described(child)?, depth + 1)?;
            below.descriptor = Some(child.clone());
            children.push(below);
        }
        for referrer in place.referrers(document.digest)? {
            referrers.push(branch(place, &place.described(&referrer)?, depth + 1)?);
        }
    }
    Ok(Branch {
        document: document.clone(),
        descriptor: None,
        children,
        referrers,
    })
}

impl Branch {
    fn json(&self) -> Value {
        let list = |branches: &[Self]| branches.iter().map(Self::json).collect::<Vec<_>>();
        json!({
            "digest": self.document.digest, "mediaType": self.document.media_type,
            "artifactType": self.document.artifact_type,
            "platform": self.descriptor.as_ref().and_then(|it| it.platform.as_ref()),
            "manifests": list(&self.children), "referrers": list(&self.referrers),
            "layers": layers(&self.document),
        })
    }

    fn write(&self, text: &mut String, first: &str, rest: &str) {
        let platform = self.descriptor.as_ref().and_then(|it| it.platform.as_ref());
        let platform = platform.map_or(String::new(), |it| format!("{it}  "));
        let kind = kind(&self.document);
        let _ = writeln!(text, "{first}{platform}{kind}  {}", self.document.digest);
        let files = layers(&self.document);
        let count = files.len() + self.children.len() + self.referrers.len();
        let mut at = 0;
        let mut next = || {
            at += 1;
            if at == count {
                (format!("{rest}└─ "), format!("{rest}   "))
            } else {
                (format!("{rest}├─ "), format!("{rest}│  "))
            }
        };
        for layer in files {
            let (first, _) = next();
            let _ = writeln!(text, "{first}{}  {}", shown(layer), size(layer.size));
        }
        for child in &self.children {
            let (first, rest) = next();
            child.write(text, &first, &rest);
        }
        for referrer in &self.referrers {
            let (first, rest) = next();
            referrer.write(text, &format!("{first}refers: "), &rest);
        }
    }
}

fn layers(document: &Document) -> &[Descriptor] {
    match &document.body {
        Body::Manifest { layers, .. } => layers,
        Body::Index(_) => &[],
    }
}

fn kind(document: &Document) -> String {
    let kind = document.artifact_type.as_ref();
    harmless(kind.unwrap_or(&document.media_type))
}

/// Returns a layer's name. It may be anything: what a terminal would obey is written out.
fn shown(layer: &Descriptor) -> String {
    harmless(layer.title().unwrap_or(&layer.media_type))
}

fn harmless(text: &str) -> String {
    let plain = |letter: char| match letter {
        letter if letter.is_control() => letter.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(plain).collect()
}

fn plain(document: &Document, reference: &Reference) -> String {
    let mut text = format!("{}@{}\n", reference.with(None), document.digest);
    let _ = writeln!(text, "{}", kind(document));
    for child in document.children() {
        let platform = child
            .platform
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string);
        let _ = writeln!(
            text,
            "  {:<14} {:>10}  {}",
            harmless(&platform),
            size(child.size),
            child.digest
        );
    }
    for layer in layers(document) {
        let _ = writeln!(
            text,
            "  {:<32} {:>10}  {}",
            shown(layer),
            size(layer.size),
            layer.digest.short()
        );
    }
    for (key, value) in &document.annotations {
        let _ = writeln!(text, "{}: {}", harmless(key), harmless(value));
    }
    text
}

//! `push`: brings artifacts from here to a registry.

use std::fmt::Write;

use super::{
    failure::Failure,
    output::{json, result},
    registry::{Registries, bearings, failed},
    session::Session,
};
use crate::{
    event::size,
    oci::{
        image,
        place::{self, Carried, Place, PlatformWish, Referrers, Role},
        reference::{Local, Name, Reference},
    },
    store::Store,
};

/// Push artifacts of an image layout to a registry
///
/// With a tag behind the repository, pushes one artifact: the one that the source names, else the guest. Without, pushes
/// everything that has a tag, under that. What the registry has is not sent again; an upload that broke off goes on.
/// Bytes are pushed as they are, so digests stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts push oci:out/kata/oci registry.example/kata            every tag of a build
  kata-artifacts push oci:out/kata/oci registry.example/kata:6.12       its guest, under this tag
  kata-artifacts push oci:kata 127.0.0.1:5000/kata:t --platform arm64   one architecture")]
pub(crate) struct Args {
    /// What to push: oci:DIR[:TAG], oci-archive:FILE[:TAG]
    source: Reference,

    /// Where to: REGISTRY/REPOSITORY[:TAG]
    target: Reference,

    /// Push only the manifest for this platform
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    /// Push in this form
    #[arg(long, value_enum, default_value = "artifact")]
    form: Form,

    /// Push what refers to the artifacts too: SBOMs, provenance, signatures
    #[arg(long, short)]
    recursive: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let from = self
            .registries
            .open(&self.source, "push", session, &store)?;
        let to = self
            .registries
            .create(&self.target, "push", session, &store)?;
        let wishes = Wishes {
            platform: self.platform.as_ref(),
            referrers: if self.recursive {
                Referrers::Taken
            } else {
                Referrers::Left
            },
        };
        let work = || match self.form {
            Form::Artifact => carry(&from, &to, self.source.name(), self.target.name(), &wishes),
            Form::Image => self.carry_image(&from, &to, session, &store),
        };
        let carried = work()
            .and_then(|carried| to.finish().map(|()| carried))
            .map_err(|error| failed(error, session))?;
        if self.json {
            json(
                &serde_json::json!({"schema": 1, "target": self.target.with(None).to_string(), "artifacts": as_json(&carried)}),
            );
        } else {
            result(&summary(&carried, &self.target));
        }
        Ok(())
    }
}

impl Args {
    /// Makes the plain-image form of what is named, and carries that.
    fn carry_image(
        &self,
        from: &Place<'_>,
        to: &Place<'_>,
        session: &Session,
        store: &Store,
    ) -> Result<Vec<Tagged>, place::PlaceError> {
        let room = store.scratch("image")?;
        let mut document = place::root(from, self.source.name())?;
        if let Some(wish) = &self.platform {
            document = place::select(from, document, wish)?;
        }
        let staging = Reference::Layout(Local {
            path: room.path().join("layout"),
            name: None,
        });
        let settings = self.registries.settings();
        let staged = Place::create(&staging, &settings, bearings(session, store))?;
        let image = image::make_image(from, &document, &staged, room.path())?;
        staged.put(&image, Role::Untagged)?;
        let tags: Vec<String> = match (self.target.name(), self.source.name()) {
            (Some(Name::Tag(tag)), _) | (None, Some(Name::Tag(tag))) => vec![tag.clone()],
            _ => Vec::new(),
        };
        let done = place::carry(&staged, to, &image, &tags, Referrers::Left)?;
        Ok(vec![(tags, done)])
    }
}

/// The form of what is pushed or pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// An artifact: one layer for each file.
    Artifact,
    /// A plain image, for clients that know nothing else.
    Image,
}

/// What of an artifact is carried.
pub(super) struct Wishes<'a> {
    pub(super) platform: Option<&'a PlatformWish>,
    pub(super) referrers: Referrers,
}

/// An artifact that was carried, and the tags that it got.
pub(super) type Tagged = (Vec<String>, Carried);

/// Carries what is named; without a name on either side, everything that has a tag.
pub(super) fn carry(
    from: &Place<'_>,
    to: &Place<'_>,
    source: Option<&Name>,
    target: Option<&Name>,
    wishes: &Wishes<'_>,
) -> Result<Vec<Tagged>, place::PlaceError> {
    let mut loads: Vec<(Option<Name>, Vec<String>)> = Vec::new();
    match (source, target) {
        (None, None) => {
            for (tag, _) in from.tags()? {
                loads.push((Some(Name::Tag(tag.clone())), vec![tag]));
            }
        }
        (Some(Name::Tag(tag)), None) => loads.push((source.cloned(), vec![tag.clone()])),
        (_, Some(Name::Tag(tag))) => loads.push((source.cloned(), vec![tag.clone()])),
        (_, None | Some(Name::Digest(_))) => loads.push((source.cloned(), Vec::new())),
    }
    let mut carried = Vec::new();
    for (name, tags) in loads {
        let mut document = place::root(from, name.as_ref())?;
        if let Some(wish) = wishes.platform {
            document = place::select(from, document, wish)?;
        }
        if let Some(Name::Digest(wanted)) = target
            && document.digest != *wanted
        {
            return Err(place::PlaceError::Untrue {
                what: format!("{to}@{wanted}"),
                why: format!("what is to be written there has digest {}", document.digest),
            });
        }
        let done = place::carry(from, to, &document, &tags, wishes.referrers)?;
        carried.push((tags, done));
    }
    Ok(carried)
}

pub(super) fn as_json(carried: &[Tagged]) -> serde_json::Value {
    let artifact = |(tags, carried): &Tagged| {
        let mut value = serde_json::json!(carried);
        value["tags"] = serde_json::json!(tags);
        value
    };
    carried.iter().map(artifact).collect()
}

pub(super) fn summary(carried: &[Tagged], target: &Reference) -> String {
    let mut text = String::new();
    let place = target.with(None);
    for (tags, done) in carried {
        for tag in tags {
            let _ = writeln!(text, "{place}:{tag}@{}", done.digest);
        }
        if tags.is_empty() {
            let _ = writeln!(text, "{place}@{}", done.digest);
        }
    }
    let sum = |of: fn(&Carried) -> usize| carried.iter().map(|(_, it)| of(it)).sum::<usize>();
    let bytes: u64 = carried.iter().map(|(_, it)| it.bytes).sum();
    let _ = write!(
        text,
        "{} blobs sent ({}), {} mounted, {} were there",
        sum(|it| it.brought),
        size(bytes),
        sum(|it| it.mounted),
        sum(|it| it.present)
    );
    let referrers = sum(|it| it.referrers);
    if referrers > 0 {
        let _ = write!(text, "; {referrers} referrers");
    }
    text
}

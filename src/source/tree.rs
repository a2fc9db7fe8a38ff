//! A tree being unpacked: where every name leads, and what may be made there. Names are resolved in memory, as the
//! tree's own links say, so nothing is ever written through a link on the disk, and nothing outside the tree.

mod refusal;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    fcntl::AT_FDCWD,
    sys::{
        stat::{UtimensatFlags, futimens, utimensat},
        time::TimeSpec,
    },
};

pub use refusal::Refusal;
pub(crate) use refusal::show;
use resolve::Place;

/// Where links may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Programs will see the tree as `/`: absolute targets are meant inside it.
    Rooted,
    /// The tree will lie somewhere: targets are relative and stay inside.
    Inside,
    /// Anywhere: the tree is the user's own. Nothing is written through a link that leads out, even so.
    Anywhere,
}

/// How much may be unpacked into one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes in all files.
    pub bytes: u64,
    /// The most entries.
    pub entries: u64,
}

impl Limits {
    /// More than any real toolchain or kernel source, and less than a small disk.
    pub const GENEROUS: Self = Self {
        bytes: 24 << 30,
        entries: 4_000_000,
    };

    /// Returns the most bytes that an archive of files within the limits may decompress to.
    #[must_use]
    pub fn archive(&self) -> u64 {
        self.bytes.saturating_add(self.entries.saturating_mul(2048))
    }
}

/// Who put an entry there: an index into the names that the tree was begun with.
pub type Owner = usize;

/// A tree being unpacked into an empty directory that nobody else writes to.
pub struct Tree {
    root: PathBuf,
    links: Links,
    limits: Limits,
    owners: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By place: components below the root, joined by `/`. The root itself is the empty place.
    nodes: BTreeMap<Place, Node>,
    bytes: u64,
    entries: u64,
    hard_links: Vec<(Place, Place)>,
}

#[derive(Clone, Debug)]
enum Node {
    Directory {
        /// None until somebody ships it: it was only needed for what lies below.
        shipped: Option<(Owner, u32, u64)>,
    },
    File {
        owner: Owner,
    },
    Link {
        /// Everybody who ships it, with its time there.
        owners: BTreeMap<Owner, u64>,
        target: Vec<u8>,
        /// Whether everybody may write through it.
        settled: bool,
    },
}

/// A regular file that has a place and no content yet.
#[derive(Debug)]
pub struct NewFile {
    /// Where it is on disk.
    pub path: PathBuf,
    mode: u32,
    mtime: u64,
}

impl Tree {
    /// Begins a tree in the empty directory `root`, filled by `owners`, whose names are for messages.
    #[must_use]
    pub fn new(root: &Path, links: Links, limits: Limits, owners: Vec<String>) -> Self {
        let tree = Self {
            root: root.to_owned(),
            links,
            limits,
            owners,
            state: Mutex::default(),
        };
        let top = Node::Directory { shipped: None };
        tree.lock().nodes.insert(Place::default(), top);
        tree
    }

    /// Returns the limits it was begun with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes a directory, or agrees that it is there. A directory that several ship has the mode and time of the first
    /// owner, whoever comes first.
    ///
    /// # Errors
    /// The name leads out of the tree or to something else.
    pub fn directory(
        &self,
        owner: Owner,
        name: &[u8],
        mode: u32,
        mtime: u64,
    ) -> Result<(), Refusal> {
        let mut state = self.lock();
        self.count(&mut state, name, 0)?;
        let place = self.descend(&mut state, owner, name, name)?;
        // The owner must get in to go on, and to remove it some day.
        let mode = mode & 0o1777 | 0o700;
        if let Some(Node::Directory { shipped }) = state.nodes.get_mut(&place)
            && shipped.is_none_or(|(first, ..)| owner < first)
        {
            *shipped = Some((owner, mode, mtime));
        }
        Ok(())
    }

    /// Gives a regular file of `size` bytes its place. The caller makes it there. Of the mode, only permissions count.
    ///
    /// # Errors
    /// The name leads out of the tree or is taken.
    pub fn file(
        &self,
        owner: Owner,
        name: &[u8],
        mode: u32,
        mtime: u64,
        size: u64,
    ) -> Result<NewFile, Refusal> {
        let mut state = self.lock();
        self.count(&mut state, name, size)?;
        let place = self.vacant(&mut state, owner, name)?;
        let path = self.path(&place);
        state.nodes.insert(place, Node::File { owner });
        Ok(NewFile {
            path,
            mode: mode & 0o777 | 0o400,
            mtime,
        })
    }

    /// Makes a symbolic link; the same link again is no error. One that several ship has the time of the first owner,
    /// whoever comes first.
    ///
    /// # Errors
    /// The name leads out of the tree or is taken, or the target is absolute where that is refused.
    pub fn link(
        &self,
        owner: Owner,
        name: &[u8],
        target: &[u8],
        mtime: u64,
    ) -> Result<(), Refusal> {
        let mut state = self.lock();
        self.count(&mut state, name, 0)?;
        let (parent, last) = self.parent(&mut state, owner, name)?;
        let place = parent.join(last);
        if let Some(Node::Link {
            owners,
            target: there,
            ..
        }) = state.nodes.get_mut(&place)
            && there == target
        {
            owners.entry(owner).or_insert(mtime);
            return Ok(());
        }
        self.must_be_vacant(&state, owner, name, &place)?;
        if target.is_empty() || target.contains(&0) {
            return Err(Refusal::name(name));
        }
        let path = self.path(&place);
        symlink(OsStr::from_bytes(target), &path).map_err(|cause| Refusal::Io {
            verb: "make the link",
            path,
            cause,
        })?;
        let node = Node::Link {
            owners: BTreeMap::from([(owner, mtime)]),
            target: target.to_vec(),
            settled: false,
        };
        state.nodes.insert(place, node);
        Ok(())
    }

    /// Gives a second name to a regular file that the same owner has placed before.
    ///
    /// # Errors
    /// The name leads out of the tree or is taken, or the target is no such file.
    pub fn hard_link(&self, owner: Owner, name: &[u8], target: &[u8]) -> Result<(), Refusal> {
        let mut state = self.lock();
        self.count(&mut state, name, 0)?;
        let (parent, last) = self.parent(&mut state, owner, target)?;
        let old = parent.join(last);
        match state.nodes.get(&old) {
            Some(Node::File { owner: by }) if *by == owner => {}
            _ => return Err(Refusal::hard_link(name, target)),
        }
        let new = self.vacant(&mut state, owner, name)?;
        state.nodes.insert(new.clone(), Node::File { owner });
        // The file may still be on its way to the disk: see `finish`.
        state.hard_links.push((old, new));
        Ok(())
    }

    /// Lets every owner write through the links that are there now.
    pub fn settle(&self) {
        for node in self.lock().nodes.values_mut() {
            if let Node::Link { settled, .. } = node {
                *settled = true;
            }
        }
    }

    /// Makes hard links, sets modes and times of directories and times of links, and checks where links lead. All files must be on disk.
    ///
    /// # Errors
    /// A link leads out of the tree, or the disk fails.
    pub fn finish(self) -> Result<(), Refusal> {
        let state = std::mem::take(&mut *self.lock());
        self.check_links(&state)?;
        for (old, new) in &state.hard_links {
            let path = self.path(new);
            fs::hard_link(self.path(old), &path).map_err(|cause| Refusal::Io {
                verb: "make the hard link",
                path,
                cause,
            })?;
        }
        // Children come after their parents, and must be reached through them: backwards.
        for (place, node) in state.nodes.iter().rev() {
            let path = self.path(place);
            let dressed = match node {
                Node::File { .. } => continue,
                Node::Link { owners, .. } => set_time(&path, *owners.values().next().unwrap_or(&0)),
                Node::Directory { shipped } => {
                    let (_, mode, mtime) = shipped.unwrap_or((0, 0o755, 0));
                    fs::set_permissions(&path, Permissions::from_mode(mode))
                        .and_then(|()| set_time(&path, mtime))
                }
            };
            dressed.map_err(|cause| Refusal::Io {
                verb: "set the mode or the time of",
                path,
                cause,
            })?;
        }
        Ok(())
    }

    fn vacant(&self, state: &mut State, owner: Owner, name: &[u8]) -> Result<Place, Refusal> {
        let (parent, last) = self.parent(state, owner, name)?;
        let place = parent.join(last);
        self.must_be_vacant(state, owner, name, &place)?;
        Ok(place)
    }

    fn must_be_vacant(
        &self,
        state: &State,
        owner: Owner,
        name: &[u8],
        place: &Place,
    ) -> Result<(), Refusal> {
        let by = match state.nodes.get(place) {
            None => return Ok(()),
            Some(Node::File { owner }) => Some(*owner),
            Some(Node::Link { owners, .. }) => owners.keys().next().copied(),
            Some(Node::Directory { shipped }) => shipped.map(|(owner, ..)| owner),
        };
        // Which of two comes first is chance; the message must not be.
        let mut owners = [by.unwrap_or(owner), owner];
        owners.sort_unstable();
        let [first, second] = owners.map(|owner| self.owners[owner].clone());
        Err(Refusal::Taken {
            name: refusal::show(name),
            first,
            second,
        })
    }

    fn count(&self, state: &mut State, name: &[u8], size: u64) -> Result<(), Refusal> {
        state.entries += 1;
        state.bytes = state.bytes.saturating_add(size);
        if state.entries > self.limits.entries || state.bytes > self.limits.bytes {
            return Err(Refusal::TooMuch {
                name: refusal::show(name),
                bytes: self.limits.bytes,
                entries: self.limits.entries,
            });
        }
        Ok(())
    }

    fn make_directory(&self, place: &Place) -> Result<(), Refusal> {
        let path = self.path(place);
        DirBuilder::new()
            .mode(0o755)
            .create(&path)
            .map_err(|cause| Refusal::Io {
                verb: "make the directory",
                path,
                cause,
            })
    }

    fn path(&self, place: &Place) -> PathBuf {
        self.root.join(OsStr::from_bytes(place.bytes()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NewFile {
    /// Makes the empty file. It must not be there.
    ///
    /// # Errors
    /// It is there, or the disk fails.
    pub fn create(&self) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
    }

    /// Sets mode and time of the file, whatever the umask is.
    ///
    /// # Errors
    /// The disk fails.
    pub fn dress(&self, file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(self.mode))?;
        let time = time(self.mtime);
        Ok(futimens(file, &time, &time)?)
    }
}

fn set_time(path: &Path, mtime: u64) -> io::Result<()> {
    let time = time(mtime);
    let flag = UtimensatFlags::NoFollowSymlink;
    Ok(utimensat(AT_FDCWD, path, &time, &time, flag)?)
}

/// Times that no file system can hold become the latest that all can.
fn time(seconds: u64) -> TimeSpec {
    let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
    TimeSpec::new(seconds.into(), 0)
}

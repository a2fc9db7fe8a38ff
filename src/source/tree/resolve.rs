//! Where a name leads in a tree, by what is known of its links and directories. Touches the disk only to make
//! directories that a name needs.

use std::collections::VecDeque;

use super::{Links, Node, Owner, Refusal, State, Tree, refusal::show};

/// As many links as the kernel follows for one name.
const MOST_LINKS: u32 = 40;

/// A place in a tree: components joined by `/`, none of them `.`, `..` or a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(Vec<u8>);

impl Place {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn join(&self, component: &[u8]) -> Self {
        let mut bytes = self.0.clone();
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(component);
        Self(bytes)
    }

    /// Goes up; `false` at the root.
    fn pop(&mut self) -> bool {
        let inside = !self.0.is_empty();
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.0.truncate(end);
        inside
    }
}

/// Splits a shipped name. `./` in front is how packages are made; anything else that is not plain is refused.
fn components(name: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    if name.first() == Some(&b'/') {
        return Err(Refusal::Outside { name: show(name) });
    }
    if name.is_empty() || name.contains(&0) {
        return Err(Refusal::name(name));
    }
    let parts = name.split(|byte| *byte == b'/');
    let parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.contains(&&b".."[..]) {
        return Err(Refusal::Outside { name: show(name) });
    }
    Ok(parts)
}

impl Tree {
    /// Returns the directory that `name` lies in, made if need be, and the name's last component.
    pub(super) fn parent<'n>(
        &self,
        state: &mut State,
        owner: Owner,
        name: &'n [u8],
    ) -> Result<(Place, &'n [u8]), Refusal> {
        let parts = components(name)?;
        let (last, above) = parts.split_last().ok_or_else(|| Refusal::name(name))?;
        let above = above.join(&b'/');
        let parent = if above.is_empty() {
            Place::default()
        } else {
            self.descend(state, owner, &above, name)?
        };
        Ok((parent, last))
    }

    /// Returns the directory that `directory` leads to, made if need be. `name` is what is being unpacked.
    pub(super) fn descend(
        &self,
        state: &mut State,
        owner: Owner,
        directory: &[u8],
        name: &[u8],
    ) -> Result<Place, Refusal> {
        let parts = components(directory)?;
        // Most directories are there, and named without links.
        let plain = Place(parts.join(&b'/'));
        if matches!(state.nodes.get(&plain), Some(Node::Directory { .. })) {
            return Ok(plain);
        }
        let mut left: VecDeque<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let (mut here, mut followed) = (Place::default(), 0);
        while let Some(part) = left.pop_front() {
            if part == b".." {
                if !here.pop() {
                    return Err(Refusal::Outside { name: show(name) });
                }
                continue;
            }
            let next = here.join(&part);
            match state.nodes.get(&next) {
                Some(Node::Directory { .. }) => here = next,
                Some(Node::File { .. }) => {
                    return Err(Refusal::BelowFile {
                        name: show(name),
                        file: show(next.bytes()),
                    });
                }
                Some(Node::Link {
                    owners,
                    target,
                    settled,
                }) => {
                    if !settled && !owners.contains_key(&owner) {
                        return Err(Refusal::ThroughLink {
                            name: show(name),
                            owner: self.owners[owner].clone(),
                            link: show(next.bytes()),
                            other: owners
                                .keys()
                                .next()
                                .map_or_else(String::new, |first| self.owners[*first].clone()),
                        });
                    }
                    followed += 1;
                    if followed > MOST_LINKS {
                        return Err(Refusal::Loop { name: show(name) });
                    }
                    if target.first() == Some(&b'/') {
                        here = Place::default();
                    }
                    follow(target, &mut left);
                }
                None => {
                    self.make_directory(&next)?;
                    let node = Node::Directory { shipped: None };
                    state.nodes.insert(next.clone(), node);
                    here = next;
                }
            }
        }
        Ok(here)
    }

    /// Checks that every link stays inside, now that everything it may lead through is known.
    pub(super) fn check_links(&self, state: &State) -> Result<(), Refusal> {
        if self.links == Links::Anywhere {
            return Ok(());
        }
        for (place, node) in &state.nodes {
            if let Node::Link { target, .. } = node
                && !self.stays_inside(state, place, target)
            {
                return Err(Refusal::LinkOutside {
                    name: show(place.bytes()),
                    target: show(target),
                });
            }
        }
        Ok(())
    }

    fn stays_inside(&self, state: &State, link: &Place, target: &[u8]) -> bool {
        let mut here = link.clone();
        here.pop();
        let mut left = VecDeque::new();
        let enter = |target: &[u8], here: &mut Place, left: &mut VecDeque<Vec<u8>>| {
            let absolute = target.first() == Some(&b'/');
            if absolute {
                *here = Place::default();
            }
            follow(target, left);
            !absolute || self.links == Links::Rooted
        };
        if !enter(target, &mut here, &mut left) {
            return false;
        }
        let mut followed = 0;
        while let Some(part) = left.pop_front() {
            if part == b".." {
                if !here.pop() {
                    return false;
                }
                continue;
            }
            here = here.join(&part);
            if let Some(Node::Link { target, .. }) = state.nodes.get(&here) {
                followed += 1;
                if followed > MOST_LINKS {
                    // It leads nowhere at all.
                    return true;
                }
                here.pop();
                if !enter(target, &mut here, &mut left) {
                    return false;
                }
            }
        }
        true
    }
}

fn follow(target: &[u8], left: &mut VecDeque<Vec<u8>>) {
    let parts = target.split(|byte| *byte == b'/');
    for part in parts.rev().filter(|part| !matches!(*part, b"" | b".")) {
        left.push_front(part.to_vec());
    }
}

//! The symbols of a tree and its constants, each once, by their names. A constant and a symbol of one name are two.

use std::collections::BTreeMap;

use super::{
    model::{Symbol, SymbolId},
    syntax::{Name, Term, Type},
};

/// The symbols and constants by their names.
pub(super) struct Symbols {
    pub(super) all: Vec<Symbol>,
    pub(super) words: BTreeMap<Name, SymbolId>,
    constants: BTreeMap<Name, SymbolId>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        let mut new = Self {
            all: Vec::new(),
            words: BTreeMap::new(),
            constants: BTreeMap::new(),
        };
        for letter in ["n", "m", "y"] {
            let name: Name = Name::from(letter);
            let id = new.add(name.clone(), true);
            new.all[id.index()].kind = Some(Type::Tristate);
            new.words.insert(name.clone(), id);
            new.constants.insert(name, id);
        }
        new
    }

    pub(super) fn add(&mut self, name: Name, constant: bool) -> SymbolId {
        let id = SymbolId(
            u32::try_from(self.all.len()).expect("a tree has less than 4,000,000,000 symbols"),
        );
        self.all.push(Symbol {
            name,
            kind: None,
            constant,
            transitional: false,
            definitions: Vec::new(),
            prompts: Vec::new(),
            defaults: Vec::new(),
            ranges: Vec::new(),
            selects: Vec::new(),
            implies: Vec::new(),
            selected_by: Vec::new(),
            implied_by: Vec::new(),
            choice: None,
            in_choice: false,
        });
        id
    }

    pub(super) fn word(&mut self, name: &Name) -> SymbolId {
        if let Some(id) = self.words.get(name) {
            return *id;
        }
        let id = self.add(name.clone(), false);
        self.words.insert(name.clone(), id);
        id
    }

    pub(super) fn term(&mut self, term: &Term) -> SymbolId {
        match term {
            Term::Word(name) => self.word(name),
            Term::Constant(name) => {
                if let Some(id) = self.constants.get(name) {
                    return *id;
                }
                let id = self.add(name.clone(), true);
                self.constants.insert(name.clone(), id);
                id
            }
        }
    }
}

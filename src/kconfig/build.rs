//! Builds a model out of a tree: carries the conditions of menus and blocks down to every rule inside. Which symbols
//! a choice decides is settled in `membership`.

use super::{
    dialect::Dialect,
    lower::Lower,
    membership,
    model::{
        Choice, ChoiceId, Condition, ConditionId, Default, Definition, Link, Model, Node, NodeKind,
        Prompt, Range, SymbolId,
    },
    symbols::Symbols,
    syntax::{self, Attribute, Entry, Expr, Name, Place, Says, Tree, Type},
    terms::{ExprId, Terms},
};

/// Gathers what a tree says; the order of evaluation is still missing.
pub(super) fn build(tree: &Tree, dialect: Dialect) -> Model {
    let mut builder = Builder::new(dialect);
    builder.modules = modules(&tree.entries).map(|name| builder.symbols.word(name));
    let root = Round {
        depends: ConditionId::ALWAYS,
        visible: ConditionId::ALWAYS,
        choice: None,
    };
    builder.walk(&tree.entries, root);
    let Builder {
        symbols,
        choices,
        conditions,
        terms,
        nodes,
        modules,
        ..
    } = builder;
    let mut model = Model {
        dialect,
        title: tree.title.clone().unwrap_or_else(|| "Main menu".to_owned()),
        files: tree.files.clone(),
        symbols: symbols.all,
        names: symbols.words,
        choices,
        conditions,
        terms,
        nodes,
        modules,
        order: Vec::new(),
    };
    membership::settle(&mut model);
    model
}

/// Finds the symbol that decides about modules: `m` in a condition stands for `m` and it.
fn modules(entries: &[Entry]) -> Option<&Name> {
    entries.iter().find_map(|entry| match entry {
        Entry::Config(config) => config
            .attributes
            .iter()
            .any(|attribute| attribute.says == Says::Modules)
            .then_some(&config.name),
        Entry::Choice(choice) => modules(&choice.entries),
        Entry::Menu(menu) => modules(&menu.entries),
        Entry::If(block) => modules(&block.entries),
        Entry::Comment(_) => None,
    })
}

/// What stands round an entry.
#[derive(Clone, Copy)]
struct Round {
    depends: ConditionId,
    visible: ConditionId,
    choice: Option<ChoiceId>,
}

struct Builder {
    dialect: Dialect,
    symbols: Symbols,
    choices: Vec<Choice>,
    conditions: Vec<Condition>,
    terms: Terms,
    nodes: Vec<Node>,
    modules: Option<SymbolId>,
}

impl Builder {
    fn new(dialect: Dialect) -> Self {
        let always = Condition {
            within: [ConditionId::ALWAYS; 2],
            expr: None,
            at: Place::default(),
        };
        Self {
            dialect,
            symbols: Symbols::new(),
            choices: Vec::new(),
            conditions: vec![always],
            terms: Terms::default(),
            nodes: Vec::new(),
            modules: None,
        }
    }

    fn walk(&mut self, entries: &[Entry], round: Round) {
        for entry in entries {
            match entry {
                Entry::Config(config) => self.config(config, round),
                Entry::Choice(choice) => self.choice(choice, round),
                Entry::Menu(menu) => self.menu(menu, round),
                Entry::If(block) => {
                    let depends = self.under(round.depends, &block.condition, block.at);
                    let node = self.node(NodeKind::If, depends, block.at);
                    self.walk(&block.entries, Round { depends, ..round });
                    self.close(node);
                }
                Entry::Comment(comment) => {
                    let depends = self.depends(round.depends, &comment.attributes);
                    let node =
                        self.node(NodeKind::Comment(comment.text.clone()), depends, comment.at);
                    self.nodes[node].shown = Some(depends);
                }
            }
        }
    }

    fn menu(&mut self, menu: &syntax::Menu, round: Round) {
        let depends = self.depends(round.depends, &menu.attributes);
        let mut own = ConditionId::ALWAYS;
        for attribute in &menu.attributes {
            if let Says::VisibleIf(expr) = &attribute.says {
                own = self.under(own, expr, attribute.at);
            }
        }
        let node = self.node(NodeKind::Menu(menu.title.clone()), depends, menu.at);
        self.nodes[node].visible = own;
        let visible = self.both(round.visible, own, menu.at);
        self.walk(
            &menu.entries,
            Round {
                depends,
                visible,
                ..round
            },
        );
        self.close(node);
    }

    fn choice(&mut self, choice: &syntax::Choice, round: Round) {
        let name = choice
            .name
            .clone()
            .unwrap_or_else(|| Name::from("<choice>"));
        let symbol = self.symbols.add(name, false);
        let depends = self.depends(round.depends, &choice.attributes);
        let id = ChoiceId(
            u32::try_from(self.choices.len()).expect("a tree has less than 4,000,000,000 choices"),
        );
        let node = self.node(NodeKind::Choice(id), depends, choice.at);
        let (mut defaults, mut optional, mut shown) = (Vec::new(), false, None);
        for attribute in &choice.attributes {
            match &attribute.says {
                Says::Default {
                    value: Expr::Term(term),
                    condition,
                } => {
                    let when = self.when(depends, condition.as_ref(), attribute.at);
                    defaults.push(Link {
                        symbol: self.symbols.term(term),
                        when,
                        at: attribute.at,
                    });
                }
                Says::Optional => optional = true,
                says => {
                    shown = self
                        .rule(symbol, says, depends, round.visible, attribute.at)
                        .or(shown)
                }
            }
        }
        if self.dialect == Dialect::ChoiceMembers {
            self.symbols.all[symbol.index()].kind = Some(Type::Bool);
        } else if let Some(when) = shown.filter(|_| !optional) {
            // Such a choice cannot be off where it is shown.
            let link = Link {
                symbol: SymbolId::MODULE,
                when,
                at: choice.at,
            };
            self.symbols.all[symbol.index()].selected_by.push(link);
        }
        self.choices.push(Choice {
            symbol,
            members: Vec::new(),
            inside: Vec::new(),
            defaults,
            at: choice.at,
        });
        let inner = match self.dialect {
            Dialect::ChoiceMembers => depends,
            Dialect::ChoiceSymbols => self.on(symbol, choice.at),
        };
        self.walk(
            &choice.entries,
            Round {
                depends: inner,
                choice: Some(id),
                ..round
            },
        );
        self.close(node);
    }

    fn config(&mut self, config: &syntax::Config, round: Round) {
        let symbol = self.symbols.word(&config.name);
        let depends = self.depends(round.depends, &config.attributes);
        let node = self.node(NodeKind::Symbol(symbol), depends, config.at);
        self.symbols.all[symbol.index()]
            .definitions
            .push(Definition {
                depends,
                at: config.at,
            });
        if let Some(choice) = round.choice {
            self.choices[choice.index()].inside.push(symbol);
        }
        for attribute in &config.attributes {
            let shown = self.rule(
                symbol,
                &attribute.says,
                depends,
                round.visible,
                attribute.at,
            );
            self.nodes[node].shown = shown.or(self.nodes[node].shown);
        }
    }

    /// Adds what one line says of a symbol; returns when its prompt is shown.
    fn rule(
        &mut self,
        id: SymbolId,
        says: &Says,
        depends: ConditionId,
        visible: ConditionId,
        at: Place,
    ) -> Option<ConditionId> {
        match says {
            Says::Type(kind) => {
                self.symbols.all[id.index()].kind.get_or_insert(*kind);
            }
            Says::Prompt { text, condition } => {
                let round = self.both(depends, visible, at);
                let when = self.when(round, condition.as_ref(), at);
                self.symbols.all[id.index()].prompts.push(Prompt {
                    text: text.clone(),
                    when,
                    at,
                });
                return Some(when);
            }
            Says::Default { value, condition } => {
                let value = Lower {
                    modules: None,
                    ..self.lower()
                }
                .condition(value);
                let when = self.when(depends, condition.as_ref(), at);
                self.symbols.all[id.index()]
                    .defaults
                    .push(Default { value, when, at });
            }
            Says::Range {
                low,
                high,
                condition,
            } => {
                let (low, high) = (self.symbols.term(low), self.symbols.term(high));
                let when = self.when(depends, condition.as_ref(), at);
                self.symbols.all[id.index()].ranges.push(Range {
                    low,
                    high,
                    when,
                    at,
                });
            }
            Says::Select { target, condition } | Says::Imply { target, condition } => {
                let when = self.when(depends, condition.as_ref(), at);
                let target = self.symbols.word(target);
                let (to, by) = (
                    Link {
                        symbol: target,
                        when,
                        at,
                    },
                    Link {
                        symbol: id,
                        when,
                        at,
                    },
                );
                let all = &mut self.symbols.all;
                if matches!(says, Says::Select { .. }) {
                    all[id.index()].selects.push(to);
                    all[target.index()].selected_by.push(by);
                } else {
                    all[id.index()].implies.push(to);
                    all[target.index()].implied_by.push(by);
                }
            }
            Says::Transitional => self.symbols.all[id.index()].transitional = true,
            Says::DependsOn(_)
            | Says::DependsOnIf(..)
            | Says::VisibleIf(_)
            | Says::Modules
            | Says::Optional
            | Says::Help(_) => {}
        }
        None
    }

    fn node(&mut self, is: NodeKind, depends: ConditionId, at: Place) -> usize {
        self.nodes.push(Node {
            is,
            depends,
            visible: ConditionId::ALWAYS,
            shown: None,
            inside: 0,
            at,
        });
        self.nodes.len() - 1
    }

    fn close(&mut self, node: usize) {
        let inside = self.nodes.len() - node - 1;
        self.nodes[node].inside =
            u32::try_from(inside).expect("a tree has less than 4,000,000,000 entries");
    }

    fn depends(&mut self, mut round: ConditionId, attributes: &[Attribute]) -> ConditionId {
        for attribute in attributes {
            let expr = match &attribute.says {
                Says::DependsOn(expr) => self.lower().condition(expr),
                Says::DependsOnIf(expr, condition) => self.lower().unless_off(expr, condition),
                _ => continue,
            };
            round = self.add([round, ConditionId::ALWAYS], Some(expr), attribute.at);
        }
        round
    }

    fn when(&mut self, round: ConditionId, condition: Option<&Expr>, at: Place) -> ConditionId {
        condition.map_or(round, |expr| self.under(round, expr, at))
    }

    fn under(&mut self, round: ConditionId, expr: &Expr, at: Place) -> ConditionId {
        let expr = self.lower().condition(expr);
        self.add([round, ConditionId::ALWAYS], Some(expr), at)
    }

    fn both(&mut self, one: ConditionId, other: ConditionId, at: Place) -> ConditionId {
        match (one, other) {
            (ConditionId::ALWAYS, only) | (only, ConditionId::ALWAYS) => only,
            both => self.add([both.0, both.1], None, at),
        }
    }

    /// Returns the condition that a symbol is on.
    fn on(&mut self, symbol: SymbolId, at: Place) -> ConditionId {
        let expr = self.lower().symbol(symbol);
        self.add([ConditionId::ALWAYS; 2], Some(expr), at)
    }

    fn lower(&mut self) -> Lower<'_> {
        Lower {
            symbols: &mut self.symbols,
            terms: &mut self.terms,
            modules: Some(self.modules.unwrap_or(SymbolId::NO)),
        }
    }

    fn add(&mut self, within: [ConditionId; 2], expr: Option<ExprId>, at: Place) -> ConditionId {
        let id = ConditionId(
            u32::try_from(self.conditions.len())
                .expect("a tree has less than 4,000,000,000 conditions"),
        );
        self.conditions.push(Condition { within, expr, at });
        id
    }
}

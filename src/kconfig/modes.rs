//! The ways in which the kernel's `conf` comes to a configuration: which requests are read first, and what happens to
//! symbols that nobody asked about.

use super::{
    dialect::Dialect,
    dotconfig::Request,
    evaluate::Values,
    model::{Model, NodeKind, SymbolId},
    request::Wishes,
    syntax::Type,
    tristate::Tristate,
};

/// What holds for symbols that nobody asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// `allnoconfig`: all prompts are answered with `n`. The requests are those of `KCONFIG_ALLCONFIG`.
    AllNo,
    /// `allyesconfig`: all prompts are answered with `y`. The requests are those of `KCONFIG_ALLCONFIG`.
    AllYes,
    /// `allmodconfig`: all prompts are answered with `m`. The requests are those of `KCONFIG_ALLCONFIG`.
    AllModule,
    /// `alldefconfig`: defaults hold. The requests are those of `KCONFIG_ALLCONFIG`.
    AllDefault,
    /// `defconfig`: defaults hold. The requests are those of the file.
    Defconfig,
    /// `olddefconfig`: defaults hold. The requests are those of `.config`.
    Olddefconfig,
}

/// Finds all values that follow from requests, equal to those of the kernel's `conf`.
#[must_use]
pub fn evaluate<'m>(model: &'m Model, base: Base, requests: &[Request]) -> Values<'m> {
    let mut values = Values::new(model);
    let mut wishes = Wishes::new(model);
    let old = matches!(base, Base::Defconfig | Base::Olddefconfig);
    if old || !requests.is_empty() {
        values.notices = wishes.read(model, requests);
    }
    if old {
        values.find(&mut wishes);
        if model.dialect == Dialect::ChoiceSymbols {
            drop_out_of_range(&mut values, &mut wishes);
        }
    }
    if base == Base::Olddefconfig {
        return values;
    }
    match base {
        Base::AllNo => answer(model, &mut wishes, Tristate::No),
        Base::AllYes => answer(model, &mut wishes, Tristate::Yes),
        Base::AllModule => answer(model, &mut wishes, Tristate::Module),
        Base::AllDefault | Base::Defconfig | Base::Olddefconfig => {}
    }
    let unset = |wishes: &Wishes| {
        model
            .choices
            .iter()
            .any(|choice| !wishes.of(choice.symbol).set)
    };
    if model.dialect == Dialect::ChoiceSymbols && unset(&wishes) {
        values.find(&mut wishes);
        settle_choices(model, &mut wishes);
    }
    values.find(&mut wishes);
    values
}

/// Answers all prompts that no request answers. Until 6.10 also symbols without a prompt get the answer, and choices.
fn answer(model: &Model, wishes: &mut Wishes, truth: Tristate) {
    let is_truth =
        |id: SymbolId| matches!(model.symbol(id).kind, Some(Type::Bool | Type::Tristate));
    let mut put = |id: SymbolId| {
        if !wishes.of(id).set && is_truth(id) {
            wishes.put(id, truth, None, None);
        }
    };
    match model.dialect {
        Dialect::ChoiceSymbols => model
            .symbols()
            .map(|(id, _)| id)
            .filter(|id| *id > SymbolId::YES)
            .for_each(put),
        Dialect::ChoiceMembers => {
            for node in &model.nodes {
                if let (NodeKind::Symbol(id), Some(_)) = (&node.is, node.shown)
                    && !model.symbol(*id).in_choice
                {
                    put(*id);
                }
            }
        }
    }
}

/// Until 6.10 a choice of which some member was not asked about forgets that it was. Then it is taken as asked about
/// nevertheless, which keeps an optional one on.
fn settle_choices(model: &Model, wishes: &mut Wishes) {
    for choice in &model.choices {
        if !wishes.of(choice.symbol).set {
            wishes.of_mut(choice.symbol).set = true;
        }
    }
}

/// Until 6.10 a number that does not keep its range is forgotten, and found anew. What followed from it is not.
fn drop_out_of_range(values: &mut Values<'_>, wishes: &mut Wishes) {
    let model = values.model;
    let forgotten: Vec<SymbolId> = model
        .symbols()
        .filter(|(id, symbol)| {
            let wish = wishes.of(*id);
            match (symbol.kind, &wish.text) {
                (Some(kind @ (Type::Int | Type::Hex)), Some(text)) => {
                    wish.set && !values.in_range(*id, kind, text)
                }
                _ => false,
            }
        })
        .map(|(id, _)| id)
        .collect();
    for id in &forgotten {
        wishes.of_mut(*id).set = false;
    }
    for id in forgotten {
        values.forget(id, wishes);
    }
}

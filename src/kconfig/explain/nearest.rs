//! Which symbols have names like one that does not exist, and which files mention it nevertheless.

use super::{
    super::{
        evaluate::Values,
        model::{Model, SymbolId},
        syntax::Type,
    },
    Near,
};

/// So many names are offered.
const OFFERED: usize = 3;
/// So many places are told.
const PLACES: usize = 3;
/// Names that are less alike are not offered.
const ALIKE: f64 = 0.7;
/// Words of so many letters may stand for a name, when few names have them.
const LONG: usize = 6;

/// Returns the defined symbols whose names are most like this one.
pub(super) fn nearest(values: &Values<'_>, name: &str) -> Vec<Near> {
    let model = values.model();
    let all = model
        .symbols()
        .filter(|(id, symbol)| *id > SymbolId::YES && symbol.kind.is_some() && !symbol.constant);
    let alike = all.filter(|(_, symbol)| !symbol.name.starts_with('<'));
    let alike = alike.map(|(id, symbol)| (likeness(name, &symbol.name), id));
    let mut alike: Vec<(f64, SymbolId)> =
        alike.filter(|(likeness, _)| *likeness >= ALIKE).collect();
    alike.sort_by(|(one, id), (other, with)| other.total_cmp(one).then_with(|| id.cmp(with)));
    if alike.is_empty() {
        alike = rare(model, name)
            .into_iter()
            .map(|id| (ALIKE, id))
            .collect();
    }
    let best = alike.first().map_or(0.0, |(best, _)| *best);
    let close = alike
        .into_iter()
        .take(OFFERED)
        .filter(|(likeness, _)| *likeness > best - 0.12);
    let near = close.map(|(_, id)| {
        let symbol = model.symbol(id);
        let value = values.shown(id);
        Near {
            symbol: symbol.name.to_string(),
            value: if symbol.kind == Some(Type::String) {
                format!("\"{value}\"")
            } else {
                value.to_owned()
            },
            prompt: symbol.prompts.first().map(|prompt| prompt.text.clone()),
        }
    });
    near.collect()
}

/// Returns places that mention a symbol: conditions, defaults and selects.
pub(super) fn mentioned(model: &Model, name: &str) -> Vec<String> {
    let Some(id) = model.find(name) else {
        return Vec::new();
    };
    let conditions = (0..model.conditions.len()).map(|index| &model.conditions[index]);
    let in_conditions = conditions.filter(|condition| {
        condition
            .expr
            .is_some_and(|expr| model.mentioned(expr).any(|mentioned| mentioned == id))
    });
    let links = model
        .symbol(id)
        .selected_by
        .iter()
        .chain(&model.symbol(id).implied_by);
    let mut places: Vec<_> = in_conditions
        .map(|condition| condition.at)
        .chain(links.map(|link| link.at))
        .collect();
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .take(PLACES)
        .map(|at| model.place(at))
        .collect()
}

/// Returns symbols that share a long word with a name, if they are few.
fn rare(model: &Model, name: &str) -> Vec<SymbolId> {
    let words: Vec<&str> = name.split('_').filter(|word| word.len() >= LONG).collect();
    let defined = model.symbols().filter(|(_, symbol)| symbol.kind.is_some());
    let sharing =
        defined.filter(|(_, symbol)| symbol.name.split('_').any(|word| words.contains(&word)));
    let sharing: Vec<SymbolId> = sharing.map(|(id, _)| id).take(OFFERED + 1).collect();
    if sharing.len() > OFFERED {
        Vec::new()
    } else {
        sharing
    }
}

/// Tells how much alike two names are, from 0 to 1: by letters, or by the words between the underscores.
fn likeness(wanted: &str, other: &str) -> f64 {
    let (short, long) = if wanted.len() < other.len() {
        (wanted, other)
    } else {
        (other, wanted)
    };
    let share_of =
        |rest: &str, edge: fn(&str) -> bool| edge(rest).then(|| share(short.len(), long.len()));
    if short.len() >= 5
        && let Some(share) = long
            .strip_suffix(short)
            .and_then(|rest| share_of(rest, |rest| rest.ends_with('_')))
    {
        // Old names were given prefixes: RETPOLINE became MITIGATION_RETPOLINE.
        return 0.8 + 0.15 * share;
    }
    if let Some(share) = long
        .strip_prefix(short)
        .and_then(|rest| share_of(rest, |rest| rest.starts_with('_')))
    {
        return 0.5 + 0.45 * share;
    }
    let words = by_words(wanted, other);
    let lengths = share(short.len(), long.len());
    if lengths < ALIKE || words >= lengths {
        return words;
    }
    // Different letters are counted first: that is quick, and most names differ in many.
    if share(different(wanted, other), long.len()) > 1.0 - ALIKE {
        return words;
    }
    let distance = strsim::osa_distance(wanted, other);
    words.max(1.0 - share(distance, long.len()))
}

/// Counts the letters of one name that the other lacks: at least so many edits lead from one to the other.
fn different(one: &str, other: &str) -> usize {
    let mut counts = [0_i16; 128];
    one.bytes()
        .for_each(|byte| counts[usize::from(byte & 127)] += 1);
    other
        .bytes()
        .for_each(|byte| counts[usize::from(byte & 127)] -= 1);
    let sum = |more: bool| {
        let counts = counts.iter().filter(|count| (**count > 0) == more);
        counts
            .map(|count| usize::from(count.unsigned_abs()))
            .sum::<usize>()
    };
    sum(true).max(sum(false))
}

/// Common words count twice, as in the Sørensen-Dice coefficient.
fn by_words(one: &str, other: &str) -> f64 {
    let one: Vec<&str> = one.split('_').collect();
    let (mut common, mut count) = (0, one.len());
    for word in other.split('_') {
        count += 1;
        common += usize::from(one.contains(&word));
    }
    // Names with the same words in another order are not the same name.
    0.95 * share(2 * common, count).min(1.0)
}

fn share(part: usize, whole: usize) -> f64 {
    let [part, whole] =
        [part, whole.max(1)].map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    part / whole
}

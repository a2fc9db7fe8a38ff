//! What is told of lines that work: which to add, which to change, and what else follows from them.

use super::{
    super::{model::SymbolId, tristate::Tristate},
    Change, Found, Line, Loss,
    search::{Search, Verified},
};

impl Search<'_> {
    /// Says what the lines are and what else follows from them.
    pub(super) fn told(&mut self, best: &Verified, goal: String) -> Found {
        let model = self.values.model();
        let values = self.evaluated(&best.lines);
        let (mut add, mut change) = (Vec::new(), Vec::new());
        for (id, value) in &best.lines {
            let (symbol, value) = (model.symbol(*id).name.to_string(), value.written());
            match self.requested.get(id) {
                Some((number, _)) => {
                    let request = &self.asked.requests[*number];
                    let (from, at) = (request.value.clone(), self.asked.place(request.at));
                    change.push(Change {
                        symbol,
                        from,
                        to: value,
                        at,
                    });
                }
                None => add.push(Line {
                    line: super::line(&symbol, &value),
                    symbol,
                    value,
                }),
            }
        }
        let written =
            |id: SymbolId| id == self.goal || best.lines.iter().any(|(line, _)| *line == id);
        let named = model
            .symbols()
            .filter(|(id, symbol)| !written(*id) && !symbol.name.starts_with('<'));
        let (mut turns_on, mut turns_off) = (Vec::new(), Vec::new());
        for (id, symbol) in named {
            if self.is_raised(id, &values) {
                turns_on.push(symbol.name.to_string());
            } else if self.values.state(id).truth != Tristate::No
                && values.state(id).truth == Tristate::No
            {
                turns_off.push(symbol.name.to_string());
            }
        }
        turns_on.sort();
        turns_off.sort();
        let loses = best.lost.iter().filter_map(|number| {
            let request = &self.asked.requests[*number];
            Some(Loss {
                symbol: request.name.to_string(),
                requested: request.value.clone(),
                at: self.asked.place(request.at),
                becomes: values.shown(model.find(&request.name)?).to_owned(),
            })
        });
        let loses = loses.collect();
        Found {
            goal,
            add,
            change,
            turns_on,
            turns_off,
            loses,
            evaluations: self.evaluations,
        }
    }
}

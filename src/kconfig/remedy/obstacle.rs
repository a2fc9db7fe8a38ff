//! What is said where no request can help.

use std::collections::BTreeSet;

use super::{
    super::{
        evaluate::{Rule, Values},
        explain::{Asked, Knowledge, written},
        model::SymbolId,
        tristate::Tristate,
    },
    graph::Obstacle,
};

/// So many obstacles are told.
const TOLD: usize = 4;

/// Says what stands in the way.
pub(super) fn told(
    obstacles: &BTreeSet<Obstacle>,
    values: &Values<'_>,
    asked: Asked<'_>,
    knowledge: Knowledge<'_>,
) -> Vec<String> {
    let model = values.model();
    let name = |id: SymbolId| &model.symbol(id).name;
    let mut told: Vec<(usize, String)> = Vec::new();
    for obstacle in obstacles {
        let (rank, says) = match *obstacle {
            Obstacle::Constant(id, at) => {
                let says = match written(model, knowledge, at) {
                    Some(line) if line.contains("$(") => {
                        format!(
                            "{} hangs on what a program answers: `{line}` ({})",
                            name(id),
                            model.place(at)
                        )
                    }
                    Some(line) => {
                        format!("{} is fixed by `{line}` ({})", name(id), model.place(at))
                    }
                    None => format!(
                        "{} is fixed at {}, or hangs on a program's answer there",
                        name(id),
                        model.place(at)
                    ),
                };
                (0, says)
            }
            Obstacle::Module(id, at) => (
                0,
                format!(
                    "{} can be nothing but a module ({})",
                    name(id),
                    model.place(at)
                ),
            ),
            Obstacle::OutOfRange(id, number) => {
                let range = model.symbol(id).ranges.get(number).copied();
                let says = range.map_or_else(String::new, |range| {
                    let bounds = [range.low, range.high].map(|bound| values.shown(bound));
                    format!(
                        "{} is to be {} to {} ({})",
                        name(id),
                        bounds[0],
                        bounds[1],
                        model.place(range.at)
                    )
                });
                (0, says)
            }
            Obstacle::Undefined(id) => {
                let versions = (knowledge.versions)(name(id));
                let versions = versions
                    .map(|versions| format!(" (Linux {versions} had it)"))
                    .unwrap_or_default();
                (
                    1,
                    format!(
                        "{} is defined by no file that this architecture reads{versions}",
                        name(id)
                    ),
                )
            }
            Obstacle::Unwanted(id) if **name(id) == *"BROKEN" => {
                (1, "it is marked BROKEN".to_owned())
            }
            Obstacle::Unwanted(id) => (
                5,
                format!(
                    "{} is for kernels that are compiled and never run",
                    name(id)
                ),
            ),
            Obstacle::Fixed(id) => (2, fixed(values, asked, knowledge, id)),
            Obstacle::Stays(id) => (3, format!("{} cannot be turned off", name(id))),
            Obstacle::Comparison(expr) => {
                (3, format!("no request decides {}", model.written(expr)))
            }
            Obstacle::Beyond => (
                6,
                "the search ended before it found a way: there are too many".to_owned(),
            ),
        };
        told.push((rank, says));
    }
    told.sort();
    told.dedup();
    let more = told.len().saturating_sub(TOLD);
    let mut says: Vec<String> = told.into_iter().take(TOLD).map(|(_, says)| says).collect();
    if more > 0 {
        says.push(format!("{more} more"));
    }
    says
}

fn fixed(values: &Values<'_>, asked: Asked<'_>, knowledge: Knowledge<'_>, id: SymbolId) -> String {
    let model = values.model();
    let symbol = model.symbol(id);
    let at = symbol
        .definitions
        .first()
        .map(|definition| model.place(definition.at))
        .unwrap_or_default();
    let name = &symbol.name;
    if let Rule::Default(number) = values.state(id).rule
        && let Some(default) = symbol.defaults.get(number as usize)
        && let Some(line) = written(model, knowledge, default.at).filter(|line| line.contains("$("))
    {
        let (value, at) = (values.shown(id), model.place(default.at));
        return format!(
            "{name} is {value}, which hangs on what a program answers: `{line}` ({at})"
        );
    }
    if symbol.prompts.is_empty() {
        let off = values.state(id).truth == Tristate::No;
        let nothing = if off {
            "nothing that this architecture has turns it on"
        } else {
            "nothing can change it"
        };
        return format!("{name} ({at}) has no prompt, and {nothing}");
    }
    match asked.last(name) {
        Some(request) => format!(
            "{name} is requested {} ({})",
            request.value,
            asked.place(request.at)
        ),
        None => format!("{name} ({at}) cannot be had"),
    }
}

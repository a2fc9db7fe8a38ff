//! The graph of a plan's steps: which waits for which. Knows nothing of stores or of how steps are carried out.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, Input, Ready, Step};
use crate::step::{OutputRef, Product, Products, StepId};

/// Steps that together make one goal. Every [`OutputRef`] names a step that was added before: there are no cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    name: String,
    steps: BTreeMap<StepId, Step>,
    order: Vec<StepId>,
}

impl Plan {
    /// Returns an empty plan. Its name is that of what it makes: earlier runs of its steps are found by it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Returns the plan's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a step and returns a reference to its product of this name. Adding the same step again changes nothing.
    ///
    /// # Panics
    /// When an input is not a step of the plan yet, or another action has the same id.
    pub fn add(&mut self, id: impl Into<String>, action: Action<Input>, product: &str) -> Input {
        let id = StepId::new(id);
        for waited in producers(&action) {
            assert!(
                self.steps.contains_key(&waited.step),
                "{id} waits for {}, which is not planned",
                waited.step
            );
        }
        let step = Step {
            id: id.clone(),
            action,
        };
        let before = self.steps.insert(id.clone(), step);
        match before {
            None => self.order.push(id.clone()),
            Some(before) => assert!(
                before.action == self.steps[&id].action,
                "two steps are called {id}"
            ),
        }
        Input::Output(OutputRef {
            step: id,
            name: product.to_owned(),
        })
    }

    /// Returns the steps, every one after those it waits for.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.order.iter().map(|id| &self.steps[id])
    }

    /// Returns the step with this id.
    ///
    /// # Panics
    /// When there is none: ids come from the plan itself.
    #[must_use]
    pub fn step(&self, id: &StepId) -> &Step {
        &self.steps[id]
    }

    /// Returns the last step, for which all others are there.
    ///
    /// # Panics
    /// When the plan is empty: a draft never is.
    #[must_use]
    pub fn goal(&self) -> &StepId {
        self.order.last().expect("a plan has a goal")
    }
}

impl Step {
    /// Returns the steps this one waits for, without repetition.
    #[must_use]
    pub fn waits_for(&self) -> BTreeSet<StepId> {
        producers(&self.action)
            .into_iter()
            .map(|output| output.step)
            .collect()
    }

    /// Returns the step as ready to run, when `known` knows the products of every step it waits for.
    pub fn ready<'a>(&self, known: impl Fn(&StepId) -> Option<&'a Products>) -> Option<Ready> {
        let action = self.action.clone().try_map(&mut |input| match input {
            Input::Blob(digest) => Some(digest),
            Input::Output(output) => known(&output.step)?.get(&output.name).map(Product::digest),
        })?;
        Some(Ready {
            id: self.id.clone(),
            action,
        })
    }

    /// Returns the products of a step whose products are known before it runs: a fetch.
    #[must_use]
    pub fn foreknown(&self) -> Option<Products> {
        let Action::Fetch(fetch) = &self.action else {
            return None;
        };
        let blob = Product::Blob {
            digest: fetch.sha256,
            size: fetch.size.unwrap_or(0),
        };
        Some(Products::from([("blob".to_owned(), blob)]))
    }
}

impl<I: Clone> Action<I> {
    /// Returns every input.
    #[must_use]
    pub fn inputs(&self) -> Vec<I> {
        let mut inputs = Vec::new();
        let all = self.clone().try_map(&mut |input| {
            inputs.push(input);
            Some(())
        });
        debug_assert!(all.is_some(), "every input was mapped");
        inputs
    }
}

fn producers(action: &Action<Input>) -> Vec<OutputRef> {
    let outputs = |input| match input {
        Input::Output(output) => Some(output),
        Input::Blob(_) => None,
    };
    action.inputs().into_iter().filter_map(outputs).collect()
}

//! What a plan would do on a store: which steps' products are there, which steps would run, and why. Runs nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Plan,
    action::{Ready, Step},
    why::{Why, why},
};
use crate::{
    step::{Products, StepId, StepKey},
    store::Store,
};

/// How a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Its products are recorded and in the store.
    Made(Products),
    /// It must run, and everything it needs is there.
    Runnable(Box<Ready>, Why),
    /// It must run, once these steps have.
    Waits(BTreeSet<StepId>),
    /// Nothing that runs needs it.
    Unneeded,
}

/// How every step of a plan stands on a store. Kept up to date while the plan runs.
pub struct Assessment<'a> {
    plan: &'a Plan,
    store: &'a Store,
    /// Products that are recorded, whether or not they are still in the store.
    known: BTreeMap<StepId, Products>,
    /// Steps whose products are recorded and in the store.
    made: BTreeSet<StepId>,
}

impl<'a> Assessment<'a> {
    /// Begins with what the store knows.
    #[must_use]
    pub fn new(plan: &'a Plan, store: &'a Store) -> Self {
        let mut assessment = Self {
            plan,
            store,
            known: BTreeMap::new(),
            made: BTreeSet::new(),
        };
        for step in plan.steps() {
            assessment.learn(step);
        }
        assessment
    }

    /// Takes note that a step has made `products`, then of everything that follows from it.
    pub fn done(&mut self, id: &StepId, products: Products) {
        self.known.insert(id.clone(), products);
        self.made.insert(id.clone());
        let plan = self.plan;
        for step in plan.steps() {
            if !self.known.contains_key(&step.id) {
                self.learn(step);
            }
        }
    }

    /// Returns the products of a step that are in the store.
    #[must_use]
    pub fn products(&self, id: &StepId) -> Option<&Products> {
        self.made.contains(id).then(|| &self.known[id])
    }

    /// Returns how every step stands: those that the goal needs, and the rest as unneeded.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<StepId, Standing> {
        let mut standings = BTreeMap::new();
        self.visit(self.plan.step(self.plan.goal()), &mut standings);
        for step in self.plan.steps() {
            if !standings.contains_key(&step.id) {
                let standing = match self.products(&step.id) {
                    Some(products) => Standing::Made(products.clone()),
                    None => Standing::Unneeded,
                };
                standings.insert(step.id.clone(), standing);
            }
        }
        standings
    }

    /// Returns the keys of the steps whose products are in the store: what the goal was made of, when it was made.
    #[must_use]
    pub fn made(&self) -> BTreeSet<StepKey> {
        let made = self.made.iter().map(|id| self.plan.step(id));
        let recorded = made.filter(|step| step.foreknown().is_none());
        recorded
            .filter_map(|step| Some(self.ready(step)?.key()))
            .collect()
    }

    fn learn(&mut self, step: &Step) {
        if let Some(products) = step.foreknown() {
            if products
                .values()
                .all(|product| self.store.blob(product.digest()).is_some())
            {
                self.made.insert(step.id.clone());
            }
            self.known.insert(step.id.clone(), products);
            return;
        }
        let Some(ready) = self.ready(step) else {
            return;
        };
        if let Some(record) = self.store.record(ready.key()) {
            if self.store.holds(&record) {
                self.made.insert(step.id.clone());
            }
            self.known.insert(step.id.clone(), record.products);
        }
    }

    fn ready(&self, step: &Step) -> Option<Ready> {
        step.ready(|id| self.known.get(id))
    }

    fn visit(&self, step: &Step, standings: &mut BTreeMap<StepId, Standing>) {
        if standings.contains_key(&step.id) {
            return;
        }
        if let Some(products) = self.products(&step.id) {
            standings.insert(step.id.clone(), Standing::Made(products.clone()));
            return;
        }
        let ready = self.ready(step);
        // A step whose key is not known yet asks only for what is missing to know it: its products may be recorded.
        let missing: BTreeSet<StepId> = step
            .waits_for()
            .into_iter()
            .filter(|id| match ready {
                Some(_) => !self.made.contains(id),
                None => !self.known.contains_key(id),
            })
            .collect();
        let standing = match ready {
            Some(ready) if missing.is_empty() => {
                let why = why(self.plan.name(), &ready, self.store);
                Standing::Runnable(Box::new(ready), why)
            }
            _ => Standing::Waits(missing.clone()),
        };
        standings.insert(step.id.clone(), standing);
        for id in &missing {
            self.visit(self.plan.step(id), standings);
        }
    }
}

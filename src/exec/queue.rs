//! The ready queue: starts every step whose inputs exist, as many at once as its trade bears, until the goal is made.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{self, Sender},
    thread::{self, Scope},
};

use super::{Carry, ExecError, MENDED, Shop, Trouble, Troubled, is_mendable};
use crate::{
    bench::Bench,
    cancel::Interrupted,
    event::Event,
    plan::{
        Assessment, Plan, Standing,
        action::{Action, Ready},
        canonical,
    },
    step::{PART, Products, StepId},
    store::{Record, StoreError},
};

/// How many downloads run at once.
const DOWNLOADS: usize = 8;
/// How many other steps run at once. Each may use all processors, so more would not end sooner.
const TRADES: usize = 4;

/// Why a step ended.
enum End {
    Made(Products),
    Trouble(Trouble),
    Error(ExecError),
}

/// Makes the plan's goal and returns its products. Steps whose products are in the store do not run; independent ones
/// overlap. The first step that fails stops the others; one that finds something lost in the store does not fail.
///
/// # Errors
/// The first step's error, or [`ExecError::Interrupted`] when `shop.cancel` was raised from outside.
pub fn execute(plan: &Plan, shop: &Shop<'_>, carry: &Carry<'_>) -> Result<Products, ExecError> {
    let mut assessment = Assessment::new(plan, shop.store);
    announce(plan, &assessment, shop);
    let (sender, ends) = mpsc::channel();
    thread::scope(|scope| {
        let mut running: BTreeMap<StepId, bool> = BTreeMap::new();
        let mut failure: Option<ExecError> = None;
        let mut mended = 0;
        loop {
            if failure.is_none() {
                if let Some(products) = assessment.products(plan.goal()) {
                    return Ok(products.clone());
                }
                if shop.cancel.is_raised() {
                    failure = Some(Interrupted.into());
                } else {
                    start(&assessment, &mut running, |ready| {
                        spawn(scope, plan.name(), ready, shop, carry, sender.clone());
                    });
                }
            }
            if running.is_empty() {
                return Err(failure.expect("a plan without cycles always has a runnable step"));
            }
            let (id, end) = ends.recv().expect("this function holds a sender");
            running.remove(&id);
            match end {
                End::Made(products) => assessment.done(&id, products),
                End::Trouble(_) | End::Error(_) if failure.is_some() => {}
                End::Trouble(_) | End::Error(_) if shop.cancel.is_raised() => {
                    failure = Some(Interrupted.into())
                }
                End::Trouble(cause) if mended < MENDED && is_mendable(cause.as_ref()) => {
                    mended += 1;
                    shop.sink.take(Event::Warning {
                        step: Some(id),
                        text: format!("{cause}: it is made again"),
                    });
                    assessment = Assessment::new(plan, shop.store);
                }
                End::Trouble(cause) => {
                    failure = Some(ExecError::Step {
                        step: id.clone(),
                        cause: Troubled(cause),
                    });
                }
                End::Error(error) => failure = Some(error),
            }
            if failure.is_some() {
                shop.cancel.raise();
            }
        }
    })
}

fn announce(plan: &Plan, assessment: &Assessment<'_>, shop: &Shop<'_>) {
    let (mut run, mut downloads, mut reused) = (0, 0, 0);
    for (id, standing) in assessment.standings() {
        let download = matches!(plan.step(&id).action, Action::Fetch(_));
        match standing {
            Standing::Runnable(..) | Standing::Waits(_) if download => downloads += 1,
            Standing::Runnable(..) | Standing::Waits(_) => run += 1,
            Standing::Made(_) if !download => reused += 1,
            Standing::Made(_) | Standing::Unneeded => {}
        }
    }
    shop.sink.take(Event::Planned {
        run,
        downloads,
        reused,
    });
}

/// Starts what can be started; `running` maps each running step to whether it is a download.
fn start(
    assessment: &Assessment<'_>,
    running: &mut BTreeMap<StepId, bool>,
    mut spawn: impl FnMut(Ready),
) {
    for (id, standing) in assessment.standings() {
        let Standing::Runnable(ready, _) = standing else {
            continue;
        };
        let download = matches!(ready.action, Action::Fetch(_));
        let alike = running.values().filter(|&&other| other == download).count();
        let bound = if download { DOWNLOADS } else { TRADES };
        if !running.contains_key(&id) && alike < bound {
            running.insert(id, download);
            spawn(*ready);
        }
    }
}

fn spawn<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    plan: &'env str,
    ready: Ready,
    shop: &'env Shop<'env>,
    carry: &'env Carry<'env>,
    ends: Sender<(StepId, End)>,
) {
    scope.spawn(move || {
        let id = ready.id.clone();
        // A panic in a step must end the build, not leave it waiting for that step's end.
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(plan, &ready, shop, carry)
        }));
        let end = end.unwrap_or_else(|payload| {
            End::Error(ExecError::Panicked {
                step: id.clone(),
                message: said(payload.as_ref()),
            })
        });
        let step = id.clone();
        match &end {
            End::Made(_) => {}
            _ if shop.cancel.is_raised() => shop.sink.take(Event::Stopped { step }),
            End::Trouble(cause) if is_mendable(cause.as_ref()) => {
                shop.sink.take(Event::Stopped { step });
            }
            End::Trouble(_) | End::Error(_) => shop.sink.take(Event::Failed { step }),
        }
        // The receiver outlives every step; it is gone only when the build has panicked.
        let _ = ends.send((id, end));
    });
}

/// Returns what a panic said.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it did not say why").to_owned()
}

fn run(plan: &str, ready: &Ready, shop: &Shop<'_>, carry: &Carry<'_>) -> End {
    match run_locked(plan, ready, shop, carry) {
        Ok(Ok(products)) => End::Made(products),
        Ok(Err(trouble)) => End::Trouble(trouble),
        Err(error) => End::Error(error),
    }
}

fn run_locked(
    plan: &str,
    ready: &Ready,
    shop: &Shop<'_>,
    carry: &Carry<'_>,
) -> Result<Result<Products, Trouble>, ExecError> {
    let key = ready.key();
    let lock = shop.store.lock_step(key, shop.cancel, || {
        shop.sink.take(Event::Warning {
            step: Some(ready.id.clone()),
            text: "another process runs this step; waiting for it".to_owned(),
        });
    });
    let _lock = lock.map_err(|error| match error {
        StoreError::Interrupted(interrupted) => interrupted.into(),
        error => ExecError::from(error),
    })?;
    // Another process may have run it while this one waited.
    if let Some(record) = shop
        .store
        .record(key)
        .filter(|record| shop.store.holds(record))
    {
        return Ok(Ok(record.products));
    }
    if shop.store.is_damaged(key) {
        shop.sink.take(Event::Warning {
            step: Some(ready.id.clone()),
            text: "its result in the store is damaged, so it runs again".to_owned(),
        });
    }
    shop.sink.take(Event::Started {
        step: ready.id.clone(),
        what: ready.action.what(),
    });
    let log = shop.logs.join(format!(
        "{}.log",
        ready.id.as_str().replace(['/', ':'], "-")
    ));
    let bench = Bench::new(
        &ready.id,
        key,
        shop.store,
        shop.network,
        shop.jobs,
        shop.cancel,
        shop.sink,
        log.clone(),
    )
    .map_err(|cause| ExecError::Log { path: log, cause })?
    .host_path(&shop.host_path);
    let carried = carry(&bench, &ready.action);
    if matches!(ready.action, Action::Fetch(_)) {
        // No tool ran: an empty log for each of hundreds of downloads tells nobody anything.
        let _ = std::fs::remove_file(bench.log_path());
    }
    let products = match carried {
        Ok(products) => products,
        // What failed may have been given something damaged: not every trade reads with a digest in hand.
        Err(trouble) if !shop.cancel.is_raised() => {
            let mut told = trouble;
            for input in ready.action.inputs() {
                if let Err(damaged) = shop.store.check(input) {
                    told = Box::new(damaged);
                }
            }
            return Ok(Err(told));
        }
        Err(trouble) => return Ok(Err(trouble)),
    };
    // A blob's name is its key: recording every download would only repeat that.
    if !matches!(ready.action, Action::Fetch(_)) {
        shop.store.put_record(&Record {
            key,
            plan: plan.to_owned(),
            id: ready.id.clone(),
            action: canonical(&ready.action),
            products: products.clone(),
        })?;
    }
    shop.sink.take(Event::Finished {
        step: ready.id.clone(),
        outcome: outcome(&ready.action, &products),
    });
    Ok(Ok(products))
}

/// Says in a line what a step made: nothing for downloads, sizes for the rest. Blobs that only belong to a product are
/// not named.
fn outcome(action: &Action<crate::digest::Digest>, products: &Products) -> String {
    if matches!(action, Action::Fetch(_)) {
        return String::new();
    }
    let shown: BTreeSet<String> = products
        .iter()
        .filter_map(|(name, product)| match product {
            crate::step::Product::Blob { size, .. }
                if *size > 64 * 1024 && !name.starts_with(PART) =>
            {
                Some(format!("{name} {}", crate::event::size(*size)))
            }
            _ => None,
        })
        .collect();
    shown.into_iter().collect::<Vec<_>>().join(", ")
}

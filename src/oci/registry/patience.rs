//! Asking again: what is worth it, how long to wait before, and what the user is told meanwhile.

use std::{sync::atomic::Ordering, time::Duration};

use super::{Repository, error::RegistryError};
use crate::{cancel::Interrupted, event::Event, source::http::wait};

/// However much each attempt gains, there is no further one after this many.
const MOST_ATTEMPTS: u32 = 50;
/// The longest wait that a registry may ask for. Who asks for more has said no.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);
/// Waits of at least this length are told.
const TOLD: Duration = Duration::from_secs(1);

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(super) enum Setback {
    /// Nothing more is worth trying.
    Fatal(RegistryError),
    /// It may work another time.
    Again {
        /// Why it failed.
        why: String,
        /// How long the registry asks us to wait.
        asked: Option<Duration>,
        /// Whether we are nearer to the end than before: then it costs no patience.
        gained: bool,
    },
}

impl Setback {
    pub(super) fn again(why: &str) -> Self {
        Self::Again {
            why: why.to_owned(),
            asked: None,
            gained: false,
        }
    }

    /// Says of a setback that something was gained before it, when it was.
    pub(super) fn after(self, progress: bool) -> Self {
        match self {
            Self::Again { why, asked, gained } => Self::Again {
                why,
                asked,
                gained: gained || progress,
            },
            fatal @ Self::Fatal(_) => fatal,
        }
    }
}

impl<E: Into<RegistryError>> From<E> for Setback {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}

impl Repository<'_> {
    /// Attempts something until it succeeds or is not worth another attempt. `what` completes "cannot …".
    pub(super) fn persevere<T>(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> Result<T, Setback>,
    ) -> Result<T, RegistryError> {
        let mut fruitless = 0;
        for attempts in 1.. {
            let (why, asked, gained) = match attempt() {
                Ok(done) => return Ok(done),
                Err(Setback::Fatal(error)) => return Err(error),
                Err(Setback::Again { why, asked, gained }) => (why, asked, gained),
            };
            fruitless = if gained { 1 } else { fruitless + 1 };
            let too_long = asked.is_some_and(|asked| asked > LONGEST_ASKED);
            if fruitless >= self.patience.rounds || attempts >= MOST_ATTEMPTS || too_long {
                let what = what.to_owned();
                let why = match asked {
                    Some(asked) if too_long => {
                        format!("{why}, and asks to wait {} s", asked.as_secs())
                    }
                    _ => why,
                };
                return Err(RegistryError::Unreachable { what, why });
            }
            self.rest(&why, asked, fruitless)?;
        }
        unreachable!("attempts end")
    }

    fn rest(&self, why: &str, asked: Option<Duration>, round: u32) -> Result<(), Interrupted> {
        let pause = self.pause(asked, round);
        if pause >= TOLD {
            let asks = if asked.is_some() { " as it asks" } else { "" };
            let text = format!(
                "{why}: waiting {} s{asks}, then trying again",
                pause.as_secs()
            );
            self.bearings.sink.take(Event::Warning { step: None, text });
        }
        wait(pause, self.bearings.cancel)
    }

    /// Returns how long to wait: what the registry asks, or twice as long each time; and up to a quarter more, so that
    /// clients that were turned away together do not come back together.
    fn pause(&self, asked: Option<Duration>, round: u32) -> Duration {
        let pause = match asked {
            Some(asked) => asked,
            None => self.patience.pause_before(round, None),
        };
        let count = self.waits.fetch_add(1, Ordering::Relaxed);
        pause + pause.mul_f64(fraction(self.seed.wrapping_add(count)) / 4.0)
    }
}

/// Returns a number in 0..1 that looks like chance (splitmix64).
fn fraction(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 40) as f64 / f64::from(1 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_are_turned_away_together_do_not_come_back_together() {
        let waits: Vec<f64> = (0..100).map(fraction).collect();
        assert!(waits.iter().all(|it| (0.0..1.0).contains(it)));
        let mean = waits.iter().sum::<f64>() / 100.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
        assert!(waits.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

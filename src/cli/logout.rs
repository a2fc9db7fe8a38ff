//! `logout`: forgets what proves to a registry who we are.

use super::{
    failure::Failure, login::host, output::result, registry::Registries, session::Session,
};

/// Log out of a registry: remove its user and password wherever they are stored
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts logout registry.example   wherever something is stored")]
pub(crate) struct Args {
    /// The registry: HOST[:PORT]
    registry: String,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, _: &Session) -> Result<(), Failure> {
        let remote = host(&self.registry)?;
        let places = self
            .registries
            .keyring()
            .forget(&remote.host)
            .map_err(Failure::work)?;
        if places.is_empty() {
            result(&format!("{}: nothing was stored", remote.host));
        } else {
            result(&format!(
                "{}: removed from {}",
                remote.host,
                places.join(", ")
            ));
        }
        Ok(())
    }
}

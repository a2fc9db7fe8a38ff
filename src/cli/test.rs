//! `test`: boots a guest that was built and waits for its report.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use miette::Diagnostic;

use super::{
    MANIFEST,
    failure::Failure,
    make::make,
    output::{json, result, tell},
    pinned::{pinned, read_manifest},
    session::Session,
};
use crate::{
    arch::Arch,
    event::Event,
    guest::{self, Acceleration, Boot, Guest, GuestError, Vmm},
    manifest::{self, Manifest},
    oci, plan,
    step::{StepId, StepKey},
    store::Store,
};

/// Boot a guest that was built, and wait until its agent reports
///
/// Boots the kernel and the initrd of an image layout: the one that `build` left for a manifest, or any other, as the
/// manifest says that was given or that the layout carries. QEMU comes from the host, or out of the packages that the
/// manifest's lock pins. KVM is used where it truly runs the guest. The guest fails when it panics, hangs, or lacks what
/// its manifest requires.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts test                        boot what `kata-artifacts build` made
  kata-artifacts test manifests/small.yaml   boot another manifest's guest
  kata-artifacts test path/to/layout --json  boot an image layout; the result for programs")]
pub(crate) struct Args {
    /// The manifest whose guest was built, or an OCI image layout
    #[arg(value_name = "MANIFEST|LAYOUT", default_value = MANIFEST)]
    what: PathBuf,

    /// Where `build` wrote its results [default: out]; for a layout, where the console's log goes [default: beside it]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The guest's architecture [default: this machine's]
    #[arg(long)]
    arch: Option<Arch>,

    /// Where QEMU comes from
    #[arg(long, value_enum, default_value = "auto")]
    vmm: Where,

    /// Emulate the processor even where KVM works
    #[arg(long)]
    no_kvm: bool,

    /// Call a guest hung that has not reported after this many seconds [default: the manifest's]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,

    /// Add parameters to the kernel's command line
    #[arg(long, value_name = "PARAMETER")]
    append: Vec<String>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Where the VMM comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Where {
    /// The host's when it has one, else the locked packages.
    Auto,
    /// The host.
    Host,
    /// The locked packages, in the sandbox.
    Locked,
}

/// The guest cannot be booted as asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum TestError {
    /// Nothing was built.
    #[error("there is no image layout `{}`", path.display())]
    #[diagnostic(code(test::not_built), help("`kata-artifacts build {}` makes it", manifest.display()))]
    NotBuilt {
        /// Where it was looked for.
        path: PathBuf,
        /// The manifest.
        manifest: PathBuf,
    },
    /// There is no VMM.
    #[error("there is no {} for this guest", arch.qemu())]
    #[diagnostic(
        code(test::no_vmm),
        help("install QEMU, or name a manifest whose `test.vmm` lists packages that hold it")
    )]
    NoVmm {
        /// The guest's architecture.
        arch: Arch,
    },
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let is_layout = self.what.join("oci-layout").is_file();
        let manifest = if is_layout {
            None
        } else {
            Some(read_manifest(&self.what, "test")?.0)
        };
        let layout = manifest.as_ref().map_or_else(
            || self.what.clone(),
            |manifest| self.out().join(&manifest.name).join("oci"),
        );
        if !layout.join("oci-layout").is_file() {
            return Err(Failure::work(TestError::NotBuilt {
                path: layout,
                manifest: self.what,
            }));
        }
        let arch = self.arch.unwrap_or_else(Arch::host);
        let found = oci::open_layout(&layout)
            .and_then(|layout| layout.guest(arch, None))
            .map_err(Failure::work)?;
        let store = session.store()?;
        let vmm = self.vmm(arch, manifest.as_ref(), session, &store)?;
        let kernel = found.kernel().map_err(Failure::work)?;
        let initrd = found
            .file("kata-containers-initrd.img")
            .map_err(Failure::work)?;
        let settings = settings(manifest.as_ref(), &found)?;
        let timeout = self.timeout.unwrap_or(settings.timeout_seconds);
        let guest = Guest {
            arch,
            kernel: &kernel,
            initrd: &initrd,
            parameters: &self.append,
            memory_mib: settings.memory_mib,
            cpus: settings.cpus,
            timeout: Duration::from_secs(timeout.into()),
            require: &settings.require.unwrap_or_else(essential),
        };
        let acceleration = if self.no_kvm {
            Acceleration::Emulated
        } else {
            Acceleration::Automatic
        };
        let log = self.log(&layout, is_layout);
        let step = StepId::new("test");
        session.sink.take(Event::Started {
            step: step.clone(),
            what: format!("boot {}", layout.display()),
        });
        let boot = guest::boot(
            &vmm,
            &guest,
            acceleration,
            &log,
            &step,
            &session.cancel,
            session.sink.as_ref(),
        );
        session.sink.take(match &boot {
            Ok(Boot {
                verdict: Ok(()), ..
            }) => Event::Finished {
                step,
                outcome: String::new(),
            },
            Ok(_) => Event::Failed { step },
            Err(_) => Event::Stopped { step },
        });
        tell_verdict(boot.map_err(failure)?, self.json)
    }

    fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new("out"))
    }

    /// Returns where the console's log goes: among the logs beside the layout, where a build leaves its own.
    fn log(&self, layout: &Path, is_layout: bool) -> PathBuf {
        if let (Some(out), true) = (&self.out, is_layout) {
            return out.join("logs/console.log");
        }
        // The parent of `.` and `..` is not in their names.
        let named = match layout.file_name() {
            Some(_) => layout.to_owned(),
            None => layout.canonicalize().unwrap_or_else(|_| layout.to_owned()),
        };
        named.parent().unwrap_or(&named).join("logs/console.log")
    }

    fn vmm(
        &self,
        arch: Arch,
        manifest: Option<&Manifest>,
        session: &Session,
        store: &Store,
    ) -> Result<Vmm, Failure> {
        let no_vmm = || Failure::work(TestError::NoVmm { arch });
        if self.vmm != Where::Locked
            && let Some(vmm) = Vmm::on_host(arch, &session.path)
        {
            return Ok(vmm);
        }
        if self.vmm == Where::Host {
            return Err(no_vmm());
        }
        // A layout from elsewhere is booted with the default manifest's VMM.
        let path = manifest.map_or(Path::new(MANIFEST), |manifest| manifest.path.as_path());
        if !path.is_file() {
            return Err(no_vmm());
        }
        let (pinned, _) = pinned(path, "test", session, store)?;
        let plan = plan::draft_vmm(&pinned, Arch::host()).ok_or_else(no_vmm)?;
        let out = self.out().join(&pinned.manifest.name);
        let root = make(&plan, &pinned.manifest, None, &out, session, store)?["tree"].digest();
        Ok(Vmm::in_root(store.need_tree(StepKey(root))?))
    }
}

/// Returns how the guest is booted: as the given manifest says, else the one that the artifact carries.
fn settings(given: Option<&Manifest>, found: &oci::Guest) -> Result<manifest::Guest, Failure> {
    if let Some(manifest) = given {
        return Ok(manifest.guest.clone());
    }
    match found.manifest().map_err(Failure::work)? {
        Some(path) => manifest::read_guest(&path).map_err(Failure::input),
        None => Ok(manifest::Guest {
            memory_mib: 512,
            cpus: 1,
            timeout_seconds: 60,
            require: None,
            vmm: None,
        }),
    }
}

fn essential() -> Vec<String> {
    guest::ESSENTIAL.map(str::to_owned).to_vec()
}

fn failure(error: GuestError) -> Failure {
    match error {
        GuestError::Interrupted(_) => Failure::Interrupted,
        error => Failure::work(error),
    }
}

fn tell_verdict(boot: Boot, as_json: bool) -> Result<(), Failure> {
    if as_json {
        json(&boot);
        return boot.verdict.map_err(|_| Failure::Verdict);
    }
    let mut text = String::new();
    for moment in &boot.timeline {
        let _ = writeln!(text, "{:>7} ms  {}", moment.milliseconds, moment.stage);
    }
    if let Some(report) = &boot.report {
        let _ = writeln!(
            text,
            "kernel {}, {} {}, {}",
            report.kernel.release, report.agent.name, report.agent.version, boot.accelerator
        );
        let missing: Vec<&str> = report.missing.iter().map(|it| it.name.as_str()).collect();
        if !missing.is_empty() {
            let _ = writeln!(text, "not there, and not required: {}", missing.join(" "));
        }
    }
    if boot.report.is_none() && boot.verdict.is_ok() {
        tell("this agent sends no report: what the manifest requires of the guest was not checked");
    }
    let _ = writeln!(text, "console: {}", boot.console.display());
    if boot.verdict.is_ok() {
        text.push_str("The guest is ready.");
    }
    result(&text);
    boot.verdict.map_err(Failure::work)
}

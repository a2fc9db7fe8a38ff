//! Kata's form of a directory: which files are merged for whom, with a small directory made up in that form.

use std::{collections::BTreeMap, fs};

use super::{
    BadFile, KernelError,
    kata::{KataDirectory, Selection},
    profile::load,
};
use crate::arch::Arch;

const FILES: [(&str, &str); 22] = [
    ("common/base.conf", "# Needed by all!\nCONFIG_NET=y\n"),
    (
        "common/acpi.conf",
        "# !s390x !ppc64le !riscv\nCONFIG_ACPI=y\n",
    ),
    ("common/mmu.conf", "#!powerpc\nCONFIG_SPARSEMEM=y\n"),
    (
        "common/extras.conf",
        "CONFIG_HW_RANDOM=y\n# !confidential\n",
    ),
    (
        "common/confidential_containers/cryptsetup.conf",
        "CONFIG_DM_CRYPT=y\n",
    ),
    (
        "common/confidential_containers/tmpfs.conf",
        "CONFIG_TMPFS=y\n",
    ),
    (
        "common/signing/module_signing.conf",
        "CONFIG_MODULE_SIG_FORCE=y\n",
    ),
    ("x86_64/base.conf", "# !x86_64\nCONFIG_X86=y\n"),
    ("x86_64/snp/snp.conf", "CONFIG_SEV_GUEST=y\n"),
    ("x86_64/confidential/snp.conf", "../snp/snp.conf"),
    ("arm64/base.conf", "CONFIG_ARM64=y\n"),
    ("s390/base.conf", "CONFIG_S390=y\n"),
    ("powerpc/base.conf", "CONFIG_PPC64=y\n"),
    ("riscv64/base.conf", "CONFIG_RISCV=y\n"),
    ("build-type/mm/deep/er.conf", "CONFIG_PAGE_REPORTING=y\n"),
    (
        "gpu/nvidia.x86_64.conf.in",
        "CONFIG_LOCALVERSION=\"-gpu${CONF_GUEST_SUFFIX}\"\n",
    ),
    ("gpu/intel.conf", "CONFIG_DRM=y\n"),
    ("debug/debug.conf", "CONFIG_DEBUG_INFO=y\n"),
    ("README.conf/not-here.conf", "hello\n"),
    (
        "whitelist.conf",
        "# gone\n\nCONFIG_DM_CRYPT\nCONFIG_NET\nCONFIG_NET\n",
    ),
    ("whitelist-6.15.0-rc1-916aeec.conf", "CONFIG_TMPFS\n"),
    ("common/old.conf.disabled", "CONFIG_OLD=y\n"),
];

fn files() -> BTreeMap<String, String> {
    let own = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
    FILES.into_iter().map(own).collect()
}

fn names(kata: &KataDirectory, arch: Arch) -> String {
    let Selection { fragments, .. } = kata.select(&files(), arch).unwrap();
    fragments.into_iter().map(|(name, _)| name + " ").collect()
}

#[test]
fn tags_exclude_by_every_spelling_of_an_architecture() {
    let plain = KataDirectory::default();
    let told: Vec<_> = Arch::ALL
        .into_iter()
        .map(|arch| format!("{arch}: {}", names(&plain, arch)))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    aarch64: common/acpi.conf common/base.conf common/extras.conf common/mmu.conf arm64/base.conf 
    ppc64le: common/base.conf common/extras.conf powerpc/base.conf 
    riscv64: common/base.conf common/extras.conf common/mmu.conf riscv64/base.conf 
    s390x: common/base.conf common/extras.conf common/mmu.conf s390/base.conf 
    x86_64: common/acpi.conf common/base.conf common/extras.conf common/mmu.conf x86_64/base.conf 
    ");
}

#[test]
fn options_add_their_files_in_the_order_of_kata() {
    let all = KataDirectory {
        confidential: true,
        measured: true,
        signing: true,
        debug: true,
        gpu: Some("nvidia".to_owned()),
        build_type: Some("mm".to_owned()),
        ..KataDirectory::default()
    };
    let told = names(&all, Arch::X86_64).replace(' ', "\n");
    insta::assert_snapshot!(told, @"
    common/acpi.conf
    common/base.conf
    common/mmu.conf
    x86_64/base.conf
    build-type/mm/deep/er.conf
    gpu/nvidia.x86_64.conf.in
    common/confidential_containers/cryptsetup.conf
    x86_64/confidential/snp.conf
    common/confidential_containers/tmpfs.conf
    common/signing/module_signing.conf
    debug/debug.conf
    ");
    let chosen = all.select(&files(), Arch::X86_64).unwrap();
    let text = |name: &str| {
        let found = chosen.fragments.iter().find(|(other, _)| other == name);
        found.unwrap().1.as_str()
    };
    assert_eq!(text("x86_64/confidential/snp.conf"), "CONFIG_SEV_GUEST=y\n");
    assert_eq!(
        text("gpu/nvidia.x86_64.conf.in"),
        "CONFIG_LOCALVERSION=\"-gpu\"\n"
    );
    let lists: Vec<_> = chosen
        .whitelists
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        lists,
        ["whitelist-6.15.0-rc1-916aeec.conf", "whitelist.conf"]
    );
}

#[test]
fn what_is_asked_for_and_not_there_is_told() {
    let told = |kata: KataDirectory, arch| kata.select(&files(), arch).unwrap_err();
    let gpu = KataDirectory {
        gpu: Some("nvidia".to_owned()),
        ..KataDirectory::default()
    };
    assert_eq!(
        told(gpu, Arch::S390x),
        "it has no fragment for GPUs of `nvidia` on s390x"
    );
    let build = KataDirectory {
        build_type: Some("m".to_owned()),
        ..KataDirectory::default()
    };
    assert_eq!(told(build, Arch::S390x), "it has no build type `m`");
    let mut few = files();
    few.retain(|path, _| !path.starts_with("s390/"));
    let plain = KataDirectory::default();
    assert_eq!(
        plain.select(&few, Arch::S390x).unwrap_err(),
        "it has no fragments for s390x"
    );
    few.clear();
    assert!(
        plain
            .select(&few, Arch::S390x)
            .unwrap_err()
            .contains("not Kata's form")
    );
}

#[test]
fn a_profile_takes_the_directory_as_it_is_with_its_lists_as_waivers() {
    let room = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = room.path().join("kata").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let profiles = room.path().join("here/profiles");
    fs::create_dir_all(&profiles).unwrap();
    let path = profiles.join("mine.yaml");
    let write = |kata: &str| {
        let text = format!("schema: 1\nname: mine\nsummary: s\nkata_fragments: {kata}\n");
        fs::write(&path, text).unwrap();
    };
    write("{directory: ../kata, confidential: true, measured: true}");
    let loaded = load(&path, Arch::S390x).unwrap();
    let (profile, _, requests) = loaded.read().unwrap();
    let symbols: Vec<_> = requests
        .iter()
        .map(|request| request.symbol.as_str())
        .collect();
    assert_eq!(symbols, ["NET", "SPARSEMEM", "S390", "DM_CRYPT", "TMPFS"]);
    let waived = |version: &str| -> Vec<_> {
        let version = version.parse().unwrap();
        let waived = |request: &&_| profile.is_waived(request, version, Arch::S390x);
        requests
            .iter()
            .filter(waived)
            .map(|request| request.symbol.as_str())
            .collect()
    };
    assert_eq!(waived("6.12"), ["NET", "DM_CRYPT"]);
    assert_eq!(waived("6.15"), ["NET", "DM_CRYPT", "TMPFS"]);

    let told = |kata: &str| {
        write(kata);
        match load(&path, Arch::S390x) {
            Err(KernelError::BadInput { files }) => files
                .iter()
                .flat_map(BadFile::problems)
                .collect::<Vec<_>>()
                .join("\n"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        told("../nowhere"),
        "line 4: `../nowhere` cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        told("{directry: x, debug: 1, gpu: [a]}"),
        "line 4: `directry` is not known here: did you mean `directory`?\n\
         line 4: write `debug: true` or `debug: false`\n\
         line 4: write `gpu: NAME`\n\
         line 4: write `kata_fragments: PATH`, or a map with `directory: PATH`"
    );
    fs::write(
        room.path().join("kata/whitelist.conf"),
        "CONFIG_A\nCONFIG_B.*\n",
    )
    .unwrap();
    assert_eq!(
        told("../kata"),
        "line 2: `CONFIG_B.*` names no symbol: write one `CONFIG_NAME` on a line"
    );
}

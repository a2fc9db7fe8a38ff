//! The build script: puts the data of `kernel/` that profiles are made of into the program, so that it can check a
//! kernel where there is no checkout.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

#[expect(
    clippy::disallowed_methods,
    reason = "this is how cargo and a build script speak"
)]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=kernel");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel");
    let mut files = Vec::new();
    for part in ["profiles", "fragments"] {
        collect(&root.join(part), &mut files)?;
    }
    files.extend(entries(&root)?.into_iter().filter(|path| is_data(path)));
    files.sort();
    let mut text = "[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file);
        text += &format!(
            "({:?}, include_str!({:?})),\n",
            name.display().to_string(),
            file.display().to_string()
        );
    }
    text += "]\n";
    let out = env::var_os("OUT_DIR").expect("cargo says where a build script writes");
    fs::write(Path::new(&out).join("shipped.rs"), text)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in entries(directory)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_data(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

fn is_data(path: &Path) -> bool {
    path.extension()
        .is_some_and(|kind| kind == "conf" || kind == "yaml")
}

//! The licences of what is linked in statically: a binary that is handed on must carry them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Result;

/// How names of files with a licence begin, in capitals.
const LICENCE_NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
/// How deep below a crate's root they are looked for: the C library inside a `-sys` crate has its own.
const DEPTH: usize = 1;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None`, `"build"` or `"dev"`.
    kind: Option<String>,
}

/// Name, version, licence and licence texts of each crate in the library and the tool; equal texts once.
pub fn of_linked_crates() -> Result<String> {
    let metadata = metadata()?;
    let linked = linked(&metadata, "keyward");
    let mut crates = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata.packages.iter().filter(|package| linked.contains(package.id.as_str())) {
        if package.source.is_none() {
            continue;
        }
        let name = format!("{} {}", package.name, package.version);
        writeln!(crates, "  {name}: {}", package.license.as_deref().unwrap_or("see its text below"))?;
        let root = package.manifest_path.parent().ok_or("a manifest without a directory")?;
        for file in licence_files(root, DEPTH)? {
            let text = String::from_utf8_lossy(&fs::read(file)?).replace("\r\n", "\n").trim_end().to_owned();
            let owners = texts.entry(text).or_default();
            if !owners.contains(&name) {
                owners.push(name.clone());
            }
        }
    }
    let mut notices = format!(
        "keyward's library and tool contain these crates, and the C libraries AWS-LC (in aws-lc-sys) and SQLite\n\
         (in libsqlite3-sys, public domain). Their licences follow.\n\n{crates}"
    );
    for (text, owners) in texts {
        write!(notices, "\n{}\n{}\n\n{text}\n", "=".repeat(78), owners.join(", "))?;
    }
    Ok(notices)
}

fn metadata() -> Result<Metadata> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", &host()?])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The target triple that rustc builds for by default.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    Ok(host.to_owned())
}

/// The package IDs that are reached from `root` by dependencies that are neither for tests nor for build scripts.
fn linked<'a>(metadata: &'a Metadata, root: &str) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let roots = metadata.packages.iter().filter(|package| package.name == root && package.source.is_none());
    let mut waiting: Vec<&str> = roots.map(|package| package.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
        let linked = dependencies
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        waiting.extend(linked.map(|dependency| dependency.pkg.as_str()));
    }
    seen
}

/// The files in `directory`, and `depth` levels below, that are named like licences, in a fixed order.
fn licence_files(directory: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_dir() {
            if depth > 0 {
                files.extend(licence_files(&path, depth - 1)?);
            }
        } else if LICENCE_NAMES.iter().any(|start| name.starts_with(start)) && !name.ends_with(".RS") {
            files.push(path);
        }
    }
    Ok(files)
}

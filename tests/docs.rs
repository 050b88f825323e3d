//! The documentation against the code: what can be generated is, what can be compared is compared.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward::config::{Config, Environment};
use keyward::error::ErrorKind;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file that is ours to keep true: those of the root, and all under docs/.
fn pages() -> Vec<String> {
    let mut folders = vec![root().join("docs")];
    let mut pages: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None => folders.push(path),
                Some(extension) if extension == "md" => pages.push(path),
                Some(_) => {}
            }
        }
    }
    pages.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The cells of the table rows that follow a heading, the header and its rule left out.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let after = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let rows =
        after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

/// The text of a cell's first code span.
fn code(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_default()
}

/// Every code span of a page, fenced blocks left out.
fn spans(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

#[test]
fn the_list_of_mechanisms_is_the_generated_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(["mechanism", "list", "--markdown"])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success());
    let generated = String::from_utf8(output.stdout).unwrap();
    assert!(
        generated == page("docs/mechanisms.md"),
        "docs/mechanisms.md is out of date: keyward mechanism list --markdown > docs/mechanisms.md"
    );
}

#[test]
fn the_tables_of_cloud_slots_are_the_generated_ones() {
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(["kms", "mechanisms", "--markdown"])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success());
    let generated = String::from_utf8(output.stdout).unwrap();
    let shown = page("docs/kms.md");
    let (_, shown) = shown.split_once("## What each provider does").unwrap();
    assert!(
        generated == shown[shown.find("###").unwrap()..],
        "docs/kms.md is out of date: its end is what keyward kms mechanisms --markdown prints"
    );
}

#[test]
fn every_setting_is_documented_with_its_default() {
    let home = tempfile::tempdir().unwrap();
    let environment = Environment::fixed(&[], Some(home.path()), &home.path().join("none.toml"));
    let shown: Vec<(String, String)> = Config::load(&environment, None)
        .unwrap()
        .show()
        .into_iter()
        .map(|shown| (shown.key.to_owned(), shown.value.replace(home.path().to_str().unwrap(), "~")))
        .collect();
    let documented: Vec<(String, String)> = table(&page("docs/operations.md"), "## Settings")
        .iter()
        .map(|row| (code(&row[0]).to_owned(), code(&row[1]).to_owned()))
        .collect();
    assert_eq!(documented, shown);
}

#[test]
fn return_values_that_are_explained_exist() {
    let known: BTreeSet<&str> =
        (0..0x400).filter_map(|rv| ErrorKind::from_rv(rv).map(ErrorKind::name)).collect();
    let rows = table(&page("docs/operations.md"), "## Return values");
    assert!(rows.len() > 10);
    for row in rows {
        assert!(known.contains(code(&row[0])), "{} is none of ours", row[0]);
    }
}

#[test]
fn links_and_paths_lead_somewhere() {
    const ROOMS: &[&str] = &["src/", "scripts/", "tests/", "docs/", "examples/", "conformance/"];
    for name in &pages() {
        let text = page(name);
        let beside = root().join(name).parent().unwrap().to_owned();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains(':') && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            assert!(beside.join(file).exists(), "{name}: {link} leads nowhere");
        }
        for path in spans(&text).iter().filter(|span| ROOMS.iter().any(|room| span.starts_with(room))) {
            // The first word is the path, what follows are arguments; NAME stands for any.
            let path = path.split(' ').next().unwrap();
            assert!(path.contains("NAME") || root().join(path).exists(), "{name}: {path} is not there");
        }
    }
}

#[test]
fn every_consumer_is_in_the_table() {
    let listed = page("docs/consumers/README.md");
    for entry in fs::read_dir(root().join("tests/consumers")).unwrap() {
        let file = entry.unwrap();
        let meta = file.metadata().unwrap();
        let runs = meta.is_file() && meta.permissions().mode() & 0o100 != 0;
        let name = file.file_name().into_string().unwrap();
        assert!(
            !runs || listed.contains(&format!("| [{name}](")),
            "{name} is not in docs/consumers/README.md: scripts/test consumers, then scripts/consumers-table"
        );
    }
}

#[test]
fn every_room_is_on_the_map() {
    let map: BTreeSet<PathBuf> = table(&page("docs/ARCHITECTURE.md"), "## Rooms")
        .iter()
        .flat_map(|row| spans(&row[1]))
        .map(|path| root().join(path))
        .collect();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = path.with_extension("");
        assert!(room.ends_with("lib") || room.ends_with("bin") || map.contains(&path), "{}", path.display());
    }
}

/// What `keyward slot list` prints with this configuration, and with soft tokens in a place of their own.
fn slots_of(configuration: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(["slot", "list", "--json"])
        .env_clear()
        .env("KEYWARD_CONF", configuration)
        .env("KEYWARD_DIR", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", configuration.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_example_of_a_cloud_slot_is_accepted() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("examples/kms")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let label = path.file_stem().unwrap().to_str().unwrap();
            assert!(slots_of(&path).contains(&format!("\"{label}\"")), "{}: no slot {label}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

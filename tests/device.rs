//! `keyward device` over simulated Zymbit devices.

#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::FromRawFd;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use place::{Place, Run};
use zk_app_utils_simulator::Simulator;

/// What must never be called unless a person asks for it.
const FORBIDDEN: [&str; 3] = ["zkLockBinding", "zkClearPerimeterDetectEvents", "zkSet"];

/// The tool, and a device that its configuration names.
struct Desk {
    place: Place,
    simulator: Simulator,
}

impl Desk {
    fn new(model: &str) -> Desk {
        let place = Place::new();
        let simulator = Simulator::new(&place.dir.path().join("device"), model).unwrap();
        let library = simulator.install().unwrap();
        let conf = place.dir.path().join(".config/keyward");
        std::fs::create_dir_all(&conf).unwrap();
        let text = format!("[[slot]]\nbackend = \"zymbit\"\nlibrary = \"{}\"\n", library.display());
        std::fs::write(conf.join("keyward.toml"), text).unwrap();
        Desk { place, simulator }
    }

    fn run(&self, line: &str) -> Run {
        self.place.run(&format!("device {line}"))
    }

    fn harmless(&self) {
        let calls = self.simulator.calls().unwrap();
        assert!(!calls.is_empty());
        assert!(!calls.iter().any(|name| FORBIDDEN.iter().any(|f| name.starts_with(f))), "{calls:?}");
    }
}

#[test]
fn status_of_a_zymkey() {
    let desk = Desk::new("ZYMKEY4");
    let status = desk.run("status --json").json();
    let device = &status["devices"][0];
    assert_eq!(device["model"], "ZYMKEY4");
    assert!(device["serial"].as_str().unwrap().starts_with("SIM"));
    assert_eq!(
        device["not_on_this_model"],
        json!(["binding", "temperature_celsius", "battery_volts", "rtc_drift"])
    );
    assert_eq!(device["errors"], json!({}));
    assert!(device["temperature_celsius"].is_null() && device["time"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(device["perimeter"].as_array().unwrap().len(), 2);
    let text = desk.run("status").ok().out;
    assert_eq!(text.matches("not on this model").count(), 4, "{text}");
    assert!(text.contains("channel 1 intact"), "{text}");
    desk.harmless();
}

#[test]
fn status_of_an_hsm6_in_trouble() {
    let desk = Desk::new("HSM6");
    desk.simulator.set("temperature", "61.25").unwrap();
    desk.simulator.set("binding", "bound").unwrap();
    desk.simulator.breach(1, 1_700_000_000).unwrap();
    desk.simulator.fail("zkGetBatteryVoltage", 5, 1).unwrap();
    let device = &desk.run("status --json").json()["devices"][0];
    assert_eq!(device["temperature_celsius"], 61.25);
    assert_eq!(device["binding"], json!({ "bound": true, "locked": false }));
    assert_eq!(device["not_on_this_model"], json!([]));
    assert!(device["battery_volts"].is_null());
    assert!(device["errors"]["battery_volts"].as_str().unwrap().contains("zkGetBatteryVoltage"));
    assert_eq!(
        device["perimeter"][1],
        json!({ "channel": 1, "breached": true, "time": 1_700_000_000, "utc": "2023-11-14T22:13:20Z" })
    );
    let text = desk.run("status").ok().out;
    assert!(text.contains("channel 1 BREACHED 2023-11-14T22:13:20Z"), "{text}");
    assert!(
        text.contains("61.2 °C") && text.contains("3.02 V") && text.contains("bound to this host"),
        "{text}"
    );
    desk.harmless();
}

#[test]
fn events_are_listed() {
    let desk = Desk::new("HSM4");
    assert_eq!(desk.run("events").ok().out, "no perimeter events\n");
    assert_eq!(desk.run("events --json").json(), json!({ "events": [] }));
    desk.simulator.breach(0, 1_700_000_000).unwrap();
    let events = desk.run("events --json").json();
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&events["events"][0]["channel"], &events["events"][0]["time"]),
        (&json!(0), &json!(1_700_000_000))
    );
    desk.harmless();
}

#[test]
fn a_watch_prints_events_as_they_come() {
    let desk = Desk::new("HSM6");
    desk.simulator.breach(0, 1_700_000_000).unwrap();
    let mut child = Command::new(&desk.place.program)
        .args(["device", "watch", "--count", "2", "--json"])
        .env_clear()
        .env("HOME", desk.place.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut event = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((event()["channel"].clone(), child.try_wait().unwrap()), (json!(0), None));
    // Nobody set this channel to notify the host.
    desk.simulator.breach(1, 1_700_000_060).unwrap();
    let second = event();
    assert_eq!((&second["channel"], &second["event"]), (&json!(1), &json!("perimeter_breach")));
    assert!(child.wait().unwrap().success());
    assert!(lines.next().is_none());
    // With nothing to wait for, the time ends it.
    assert_eq!(desk.run("watch --timeout 0").ok().out.lines().count(), 2);
    desk.harmless();
}

#[test]
fn a_script_clears_the_device_that_it_names() {
    let desk = Desk::new("HSM6");
    assert_eq!(desk.run("clear --yes --serial x --json").json(), json!({ "cleared": [] }));
    desk.simulator.breach(1, 1_700_000_000).unwrap();
    let serial = desk.simulator.serial().unwrap();
    desk.run("clear").refused(2, "--yes --serial SERIAL");
    assert_eq!(desk.run("clear --yes").code, 2);
    assert_eq!(desk.run(&format!("clear --serial {serial}")).code, 2);
    desk.run("clear --yes --serial SIM0").refused(1, "nothing was changed");
    desk.harmless();
    let cleared = desk.run(&format!("clear --yes --serial {serial} --json")).json();
    assert_eq!(cleared["cleared"][0]["channel"], 1);
    assert_eq!(desk.run("events --json").json(), json!({ "events": [] }));
    assert_eq!(desk.simulator.count("zkClearPerimeterDetectEvents").unwrap(), 1);
}

#[test]
fn a_person_is_asked_twice() {
    let desk = Desk::new("HSM6");
    desk.simulator.breach(1, 1_700_000_000).unwrap();
    desk.run("events").ok();
    let serial = desk.simulator.serial().unwrap();
    for answers in [vec!["yes"], vec![serial.as_str(), "no"], vec![serial.as_str(), ""]] {
        let (code, shown) = at_terminal(&desk, &["device", "clear"], &answers);
        assert_eq!(code, 1, "{shown}");
        assert!(shown.contains("destroys this evidence") && shown.contains("nothing was changed"), "{shown}");
    }
    let (code, shown) = at_terminal(&desk, &["device", "lock-binding"], &[&serial, "no"]);
    assert!(code == 1 && shown.contains("FOR GOOD"), "{shown}");
    desk.harmless();
    let (code, shown) = at_terminal(&desk, &["device", "clear"], &[&serial, "yes"]);
    assert!(code == 0 && shown.contains("cleared:"), "{shown}");
    let (code, shown) = at_terminal(&desk, &["device", "lock-binding"], &[&serial, "yes"]);
    assert!(code == 0 && shown.contains("is locked"), "{shown}");
    assert_eq!(desk.run("status --json").json()["devices"][0]["binding"]["locked"], true);
    assert!(desk.run("lock-binding").ok().out.contains("locked already"));
    assert_eq!(desk.simulator.count("zkLockBinding").unwrap(), 1);
}

#[test]
fn what_is_not_there() {
    let desk = Desk::new("ZYMKEY4");
    desk.run("lock-binding --yes --serial x").refused(1, "zkGetCurrentBindingInfo");
    desk.simulator.unplug().unwrap();
    desk.run("status").refused(1, "is the device there");
    desk.run("status --library /nonexistent/libzk_app_utils.so")
        .refused(1, "/nonexistent/libzk_app_utils.so");
    // No configuration, and no library where the vendor installs it.
    let place = Place::new();
    place.run("device status").refused(1, "--library");
    let conf = place.dir.path().join(".config/keyward");
    std::fs::create_dir_all(&conf).unwrap();
    let slot = format!("[[slot]]\nbackend = \"zymbit\"\nlibrary = \"{}/a.so\"\n", place.dir.path().display());
    std::fs::write(conf.join("keyward.toml"), format!("{slot}{}", slot.replace("a.so", "b.so"))).unwrap();
    place.run("device watch").refused(2, "--library PATH");
    // The vendor's PKCS#11 library tells nothing of the device.
    std::fs::write(conf.join("keyward.toml"), slot.replace("a.so", "libzk_pkcs11.so")).unwrap();
    place.run("device status").refused(1, "no libzk_app_utils.so is installed");
}

/// Runs the tool with a terminal as stdin: its exit code and stdout with stderr.
fn at_terminal(desk: &Desk, arguments: &[&str], answers: &[&str]) -> (i32, String) {
    let (mut master, slave) = terminal();
    let mut child = Command::new(&desk.place.program)
        .args(arguments)
        .env_clear()
        .env("HOME", desk.place.dir.path())
        .stdin(slave)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for answer in answers {
        writeln!(master, "{answer}").unwrap();
    }
    let status = child.wait().unwrap();
    let mut shown = String::new();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
    (status.code().unwrap(), shown)
}

/// Both ends of a new terminal.
fn terminal() -> (File, File) {
    let (mut master, mut slave) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: places for two descriptors; name, settings and size are optional.
    let opened = unsafe { libc::openpty(&mut master, &mut slave, none, none.cast(), none.cast()) };
    assert_eq!(opened, 0);
    // SAFETY: two new descriptors that nobody else owns.
    unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) }
}

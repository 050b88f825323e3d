//! The two verbs that cannot be undone. Each asks twice: for the serial number, and for a "yes".

use clap::Args;
use serde_json::{Value, json};

use super::super::confirm;
use super::super::error::{Result, failed};
use super::super::output::Answer;
use super::report::Event;
use super::{DeviceArg, Opened, at};

/// A verb that a person, or a script that names the device, confirms.
#[derive(Args, Debug)]
pub struct Confirmed {
    #[command(flatten)]
    device: DeviceArg,
    /// Ask nothing; for scripts, together with --serial
    #[arg(long, requires = "serial")]
    yes: bool,
    /// The serial number of the device that is meant
    #[arg(long, value_name = "SERIAL", requires = "yes")]
    serial: Option<String>,
}

impl Confirmed {
    fn confirm(&self, opened: &Opened, what: &str) -> Result<String> {
        let serial = opened.device.serial().map_err(|error| at(&opened.library, &error))?;
        if serial.is_empty() {
            return failed("the device tells no serial number to confirm it by");
        }
        match &self.serial {
            Some(given) if *given != serial => {
                failed(format!("the device's serial number is {serial}, not {given}: nothing was changed"))
            }
            Some(_) => Ok(serial),
            None => {
                confirm::twice(what, &serial)?;
                Ok(serial)
            }
        }
    }
}

/// `device clear`.
pub fn clear(args: &Confirmed) -> Result<Answer> {
    let mut opened = args.device.open_one()?;
    let events = Event::remembered(&opened)?;
    if events.is_empty() {
        return Ok(Answer::new("no perimeter events to clear", json!({ "cleared": [] })));
    }
    let list: Vec<String> = events.iter().map(Event::text).collect();
    let what = format!(
        "This device remembers:\n  {}\nClearing destroys this evidence for good and arms the channels again.\n\
         Copy it first (keyward device events --json), and look at the device.",
        list.join("\n  ")
    );
    args.confirm(&opened, &what)?;
    let cleared = opened.device.operator().clear_perimeter_events();
    cleared.map_err(|error| at(&opened.library, &error))?;
    let json: Vec<Value> = events.iter().map(Event::json).collect();
    Ok(Answer::new(format!("cleared:\n  {}", list.join("\n  ")), json!({ "cleared": json })))
}

const LOCK: &str = "\
This locks the binding between this device and this host FOR GOOD. Nothing that keyward or the vendor's library offers
undoes it. The device's policies, the destruction of its keys on a perimeter breach among them, stay as they are set
now, and the device is of no use in another host.";

/// `device lock-binding`.
pub fn lock_binding(args: &Confirmed) -> Result<Answer> {
    let mut opened = args.device.open_one()?;
    let binding = opened.device.binding_info().map_err(|error| at(&opened.library, &error))?;
    if binding.locked {
        return Ok(Answer::new("the binding is locked already", json!({ "locked": true, "changed": false })));
    }
    let serial = args.confirm(&opened, LOCK)?;
    opened.device.operator().lock_binding().map_err(|error| at(&opened.library, &error))?;
    let text = format!("the binding of device {serial} is locked");
    Ok(Answer::new(text, json!({ "locked": true, "changed": true, "serial": serial })))
}

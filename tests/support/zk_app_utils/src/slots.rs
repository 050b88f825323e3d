//! Keys in their slots.

use libc::c_int;

use crate::call::{Call, new_serial};
use crate::curve::{self, Kind};
use crate::files::{Answer, hex, unhex};
use crate::model::{FIRST_GENERATED, FOREIGN, GENERATED};

/// A key pair, or somebody else's public key.
#[derive(Debug, Clone)]
pub struct Key {
    pub kind: Kind,
    /// Empty for a foreign key.
    pub private: Vec<u8>,
    pub public: Vec<u8>,
    pub wallet: Option<Node>,
    /// zkDisablePubKeyExport.
    pub hidden: bool,
}

/// Where in a wallet a key is.
#[derive(Debug, Clone)]
pub struct Node {
    pub wallet: String,
    pub address: String,
    pub master: c_int,
    pub chain_code: Vec<u8>,
}

/// The slot of the ephemeral key.
pub const EPHEMERAL: c_int = -1;

impl Key {
    pub fn pair(kind: Kind, private: Vec<u8>) -> Answer<Key> {
        let public = curve::public(kind, &private)?;
        Ok(Key { kind, private, public, wallet: None, hidden: false })
    }

    fn parse(text: &str) -> Answer<Key> {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let wallet = match field("address") {
            "" => None,
            address => Some(Node {
                wallet: field("wallet").to_owned(),
                address: address.to_owned(),
                master: field("master").parse().map_err(|_| libc::EIO)?,
                chain_code: unhex(field("chain_code")),
            }),
        };
        Ok(Key {
            kind: Kind::from_name(field("type"))?,
            private: unhex(field("private")),
            public: unhex(field("public")),
            wallet,
            hidden: field("hidden") == "true",
        })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "type={}\nprivate={}\npublic={}\nhidden={}",
            self.kind.name(),
            hex(&self.private),
            hex(&self.public),
            self.hidden
        );
        if let Some(node) = &self.wallet {
            let (wallet, address, chain) = (&node.wallet, &node.address, hex(&node.chain_code));
            text +=
                &format!("\nwallet={wallet}\naddress={address}\nmaster={}\nchain_code={chain}", node.master);
        }
        text
    }
}

fn file(slot: c_int, foreign: bool) -> String {
    match (slot, foreign) {
        (EPHEMERAL, false) => "ephemeral".to_owned(),
        (_, false) => format!("keys/{slot}"),
        (_, true) => format!("foreign/{slot}"),
    }
}

/// A key: -EINVAL for a slot that the model has not, -ENOENT for an empty one.
pub fn get(call: &Call, slot: c_int, foreign: bool) -> Answer<Key> {
    if foreign {
        call.needs_rich()?;
    }
    let exists = match foreign {
        true => (0..FOREIGN).contains(&slot),
        false if call.model.rich => {
            slot == EPHEMERAL
                || (0..call.model.factory).contains(&slot)
                || (FIRST_GENERATED..FIRST_GENERATED + GENERATED).contains(&slot)
        }
        false => (0..call.model.factory).contains(&slot),
    };
    match call.files.read(&file(slot, foreign)) {
        _ if !exists => Err(libc::EINVAL),
        text if text.is_empty() => Err(libc::ENOENT),
        text => Key::parse(&text),
    }
}

pub fn put(call: &Call, slot: c_int, foreign: bool, key: &Key) -> Answer<()> {
    call.files.write(&file(slot, foreign), &key.text())
}

/// Puts a key into the first slot that is free.
pub fn add(call: &Call, foreign: bool, key: &Key) -> Answer {
    let slot = free(call, foreign)?;
    put(call, slot, foreign, key)?;
    Ok(slot)
}

/// The first slot that is free: -ENOSPC where there is none.
pub fn free(call: &Call, foreign: bool) -> Answer {
    let taken = list(call, foreign);
    let mut slots = if foreign { 0..FOREIGN } else { FIRST_GENERATED..FIRST_GENERATED + GENERATED };
    slots.find(|slot| !taken.contains(slot)).ok_or(libc::ENOSPC)
}

pub fn remove(call: &Call, slot: c_int, foreign: bool) -> Answer {
    let key = get(call, slot, foreign)?;
    if !foreign && (0..call.model.factory).contains(&slot) {
        return Err(libc::EPERM);
    }
    drop(key);
    call.files.remove(&file(slot, foreign));
    Ok(0)
}

/// The slots that hold a key, factory keys included.
pub fn list(call: &Call, foreign: bool) -> Vec<c_int> {
    call.files.numbers(if foreign { "foreign" } else { "keys" })
}

/// What a device leaves the factory with.
pub fn make_factory_keys(call: &Call) -> Answer<()> {
    if !call.files.exists("serial") {
        call.files.write("serial", &new_serial()?)?;
    }
    if call.files.exists("factory") || call.files.exists("destroyed") {
        return Ok(());
    }
    for slot in 0..call.model.factory {
        put(call, slot, false, &Key::pair(Kind::P256, curve::generate(Kind::P256)?)?)?;
    }
    call.files.write("factory", call.model.name)
}

/// `reboot`: the ephemeral key goes, on SCM also generated keys that are in no wallet.
pub fn reboot(call: &mut Call) -> Answer<()> {
    if !call.files.exists("reboot") {
        return Ok(());
    }
    call.files.remove("reboot");
    call.files.remove(&file(EPHEMERAL, false));
    if call.model.scm {
        for slot in list(call, false).into_iter().filter(|slot| *slot >= FIRST_GENERATED) {
            if get(call, slot, false)?.wallet.is_none() {
                call.files.remove(&file(slot, false));
            }
        }
    }
    Ok(())
}

/// A breached channel whose action says so takes every key with it.
pub fn self_destruct(call: &Call) -> Answer<()> {
    let (times, actions) = (call.files.channels("perimeter"), call.files.channels("perimeter_action"));
    let destroys = times.iter().zip(&actions).any(|(time, action)| *time != 0 && action & 2 != 0);
    if destroys && !call.files.exists("destroyed") {
        for slot in list(call, false) {
            call.files.remove(&file(slot, false));
        }
        call.files.remove(&file(EPHEMERAL, false));
        call.files.write("destroyed", "by a perimeter breach")?;
    }
    Ok(())
}

//! Locked data: encrypted and authenticated under a key of the device. The device's own format is not published.

use std::fs;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::call::Call;
use crate::files::{Answer, errno, hex, unhex};

const MARK: &[u8] = b"SIMLOCK1";
const NONCE: usize = 16;
const TAG: usize = 32;

pub fn lock(call: &Call, plain: &[u8], shared: bool) -> Answer<Vec<u8>> {
    let key = key(call, shared)?;
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| libc::EIO)?;
    let mut locked = [MARK, &nonce, &stream(&key, &nonce, plain)].concat();
    locked.extend(mac(&key, &[b"tag", &locked]));
    Ok(locked)
}

pub fn unlock(call: &Call, locked: &[u8], shared: bool) -> Answer<Vec<u8>> {
    let key = key(call, shared)?;
    let len = locked.len().checked_sub(TAG).filter(|len| *len >= MARK.len() + NONCE).ok_or(libc::EINVAL)?;
    let (body, tag) = locked.split_at(len);
    if !body.starts_with(MARK) || mac(&key, &[b"tag", body]) != tag {
        return Err(libc::EBADMSG);
    }
    let (nonce, text) = body[MARK.len()..].split_at(NONCE);
    Ok(stream(&key, nonce, text))
}

pub fn read(path: &Path) -> Answer<Vec<u8>> {
    fs::read(path).map_err(errno)
}

pub fn write(path: &Path, bytes: &[u8]) -> Answer<()> {
    fs::write(path, bytes).map_err(errno)
}

/// The one-way key is this device's; the shared one is the same on every device.
fn key(call: &Call, shared: bool) -> Answer<Vec<u8>> {
    if shared {
        return Ok(mac(b"shared by all simulators", &[]));
    }
    if !call.files.exists("lock_key") {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| libc::EIO)?;
        call.files.write("lock_key", &hex(&key))?;
    }
    Ok(unhex(&call.files.read("lock_key")))
}

fn stream(key: &[u8], nonce: &[u8], text: &[u8]) -> Vec<u8> {
    let blocks = text.chunks(32).enumerate().map(|(number, block)| {
        let pad = mac(key, &[b"pad", nonce, &number.to_be_bytes()]);
        block.iter().zip(pad).map(|(byte, pad)| byte ^ pad).collect::<Vec<u8>>()
    });
    blocks.collect::<Vec<_>>().concat()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

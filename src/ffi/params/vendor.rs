//! The parameters of keyward's own mechanisms (`include/keyward.h`).

use super::super::memory;
use super::kdf::{MAX_PASSWORD, secret};
use super::{MAX_SMALL, bytes, invalid, structure};
use crate::error::{ErrorKind, Result};
use crate::mechanism::params::{Argon2id, Bip39Seed, Kdf};
use crate::mechanism::{Params, Reply};
use crate::types::ck;

/// A recovery sentence with a lot of white space in it.
const MAX_SENTENCE: usize = 4096;

/// # Safety
/// As `params::mechanism`, here and below.
pub(super) unsafe fn bip32_master(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_KEYWARD_BIP32_MASTER_PARAMS = unsafe { structure(raw) }?;
    // SAFETY: the caller's promise.
    let name =
        unsafe { bytes(p.pWalletName, p.ulWalletNameLen, 255, "the wallet's name is null or too long") }?;
    let name = String::from_utf8(name).map_err(|_| invalid("the wallet's name is not ASCII"))?;
    // A wallet is made once: its sentence must fit at the first try.
    if !p.pMnemonic.is_null() && p.ulMnemonicLen < ck::CK_KEYWARD_MNEMONIC_LEN {
        return Err(invalid("the room for the recovery sentence is below CK_KEYWARD_MNEMONIC_LEN"));
    }
    let mnemonic = (!p.pMnemonic.is_null()).then(Reply::default);
    Ok(Params::Bip32Master { name, mnemonic })
}

pub(super) unsafe fn bip32_child(raw: &ck::CK_MECHANISM) -> Result<Params> {
    // SAFETY: the caller's promise.
    let p: ck::CK_KEYWARD_BIP32_CHILD_PARAMS = unsafe { structure(raw) }?;
    let index = u32::try_from(p.ulIndex).ok().filter(|index| *index < 1 << 31);
    let index = index.ok_or_else(|| invalid("the number of a child is below 2^31"))?;
    Ok(Params::Bip32Child { index, hardened: p.bHardened != ck::CK_FALSE })
}

pub(super) unsafe fn bip39_seed(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_KEYWARD_BIP39_SEED_PARAMS = unsafe { structure(raw) }?;
    let sentence = "BIP-39: the recovery sentence is null or over 4 KiB";
    let passphrase = "BIP-39: the passphrase is null or over 64 KiB";
    // SAFETY: as above, for both.
    unsafe {
        Ok(Kdf::Bip39Seed(Bip39Seed {
            sentence: secret(p.pMnemonic, p.ulMnemonicLen, MAX_SENTENCE, sentence)?,
            passphrase: secret(p.pPassphrase, p.ulPassphraseLen, MAX_PASSWORD, passphrase)?,
        }))
    }
}

pub(super) unsafe fn argon2id(raw: &ck::CK_MECHANISM) -> Result<Kdf> {
    // SAFETY: the caller's promise, here and below.
    let p: ck::CK_KEYWARD_ARGON2ID_PARAMS = unsafe { structure(raw) }?;
    let password = "Argon2id: the password is null or over 64 KiB";
    // SAFETY: as above, for both.
    unsafe {
        Ok(Kdf::Argon2id(Argon2id {
            password: secret(p.pPassword, p.ulPasswordLen, MAX_PASSWORD, password)?,
            salt: bytes(p.pSalt, p.ulSaltLen, MAX_SMALL, "Argon2id: the salt is null or too long")?,
            memory: p.ulMemoryKiB,
            passes: p.ulPasses,
            lanes: p.ulLanes,
        }))
    }
}

/// Writes a fresh wallet's recovery sentence where the caller wants it.
///
/// # Safety
/// As `params::write_back`.
pub(super) unsafe fn write_back(pointer: *mut ck::CK_MECHANISM, params: &Params) -> Result<()> {
    let Params::Bip32Master { mnemonic: Some(reply), .. } = params else { return Ok(()) };
    let Some(sentence) = reply.take() else { return Ok(()) };
    // SAFETY: not null and aligned, or the mechanism had not been read from it.
    let raw = unsafe { pointer.read() };
    // SAFETY: as when it was read.
    let mut p: ck::CK_KEYWARD_BIP32_MASTER_PARAMS = unsafe { structure(&raw) }?;
    // SAFETY: the caller vouches for so many bytes at `pMnemonic`.
    let room = unsafe { memory::output_array(p.pMnemonic, p.ulMnemonicLen) }?;
    let target = room.get_mut(..sentence.len()).ok_or(ErrorKind::BufferTooSmall)?;
    target.copy_from_slice(&sentence);
    p.ulMnemonicLen = crate::types::ulong(sentence.len());
    // SAFETY: the structure that was read above, whatever its alignment.
    unsafe { raw.pParameter.cast::<ck::CK_KEYWARD_BIP32_MASTER_PARAMS>().write_unaligned(p) };
    Ok(())
}

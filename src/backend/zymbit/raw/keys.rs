//! Keys in their slots: public halves, signatures, agreement, generation, removal, random bytes.

use libc::{c_int, c_uint};

use super::device::{Device, call};
use super::error::{Error, Result};
use super::memory::Malloced;
use crate::types::SecretBytes;

/// A key slot's number. Private keys and foreign public keys are numbered apart.
pub type Slot = c_int;

/// More slots than any model has.
const MAX_SLOTS: usize = 65_536;

/// Random bytes per call: a call's size is bounded by the transport, which the vendor gives no number for.
const RANDOM_CHUNK: usize = 512;

/// The length of a raw agreement on every curve that the device has.
const SECRET_LEN: usize = 32;

/// ZK_EC_KEY_TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// NIST P-256.
    P256,
    /// secp256k1.
    Secp256k1,
    /// Ed25519.
    Ed25519,
    /// X25519.
    X25519,
}

impl KeyType {
    /// The vendor's number.
    pub fn number(self) -> c_uint {
        match self {
            KeyType::P256 => 0,
            KeyType::Secp256k1 => 1,
            KeyType::Ed25519 => 2,
            KeyType::X25519 => 3,
        }
    }

    /// The length of a public key: x ‖ y, or the one coordinate.
    pub fn public_len(self) -> usize {
        match self {
            KeyType::P256 | KeyType::Secp256k1 => 64,
            KeyType::Ed25519 | KeyType::X25519 => 32,
        }
    }
}

/// zkGetAllocSlotsList.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocatedSlots {
    /// How many keys there can be.
    pub capacity: usize,
    /// The slots that hold a key, ascending.
    pub slots: Vec<Slot>,
}

impl Device {
    /// The public key of a slot: 64 bytes x ‖ y, or 32 bytes.
    pub fn export_public_key(&self, slot: Slot, foreign: bool) -> Result<Vec<u8>> {
        let (mut key, mut len) = (Malloced::<u8>::new(), 0);
        let (place, size) = (key.place(), &mut len);
        // The older name knows no foreign keys.
        let (name, done) = match self.symbols().export_public_key {
            None if !foreign => {
                ("zkGetECDSAPubKey", call!(self, old_public_key, "zkGetECDSAPubKey", place, size, slot))
            }
            _ => (
                "zkExportPubKey",
                call!(self, export_public_key, "zkExportPubKey", place, size, slot, foreign),
            ),
        };
        done.inspect_err(|_| key.disown())?;
        match usize::try_from(len) {
            // SAFETY: done, with so many bytes.
            Ok(len @ (32 | 64)) => unsafe { key.copy(name, len) },
            _ => Err(Error::Malformed {
                function: name,
                why: "answered with a key of neither 32 nor 64 bytes",
            }),
        }
    }

    /// Signs a SHA-256 digest, or 32 bytes that pass for one: r ‖ s.
    pub fn sign_digest(&self, slot: Slot, digest: &[u8; 32]) -> Result<[u8; 64]> {
        let (mut signature, mut len) = (Malloced::<u8>::new(), 0);
        call!(self, sign, "zkGenECDSASigFromDigest", digest.as_ptr(), slot, signature.place(), &mut len)
            .inspect_err(|_| signature.disown())?;
        // SAFETY: done, with so many bytes.
        unsafe { signature.array("zkGenECDSASigFromDigest", len) }
    }

    /// The same, with the number from 0 to 3 by which the public key can be computed from the signature.
    pub fn sign_digest_recoverable(&self, slot: Slot, digest: &[u8; 32]) -> Result<([u8; 64], u8)> {
        const NAME: &str = "zkGenECDSASigFromDigestWithRecID";
        let (mut signature, mut len, mut id) = (Malloced::<u8>::new(), 0, u8::MAX);
        call!(
            self,
            sign_recoverable,
            "zkGenECDSASigFromDigestWithRecID",
            digest.as_ptr(),
            slot,
            signature.place(),
            &mut len,
            &mut id,
        )
        .inspect_err(|_| signature.disown())?;
        // SAFETY: done, with so many bytes.
        let signature = unsafe { signature.array(NAME, len) }?;
        match id {
            0..=3 => Ok((signature, id)),
            _ => Err(Error::Malformed { function: NAME, why: "answered with a recovery ID that is none" }),
        }
    }

    /// Makes a key pair that stays; its slot.
    pub fn generate_key_pair(&self, key_type: KeyType) -> Result<Slot> {
        call!(self, generate, "zkGenKeyPair", key_type.number())
    }

    /// Destroys a key pair, or a foreign public key.
    pub fn remove_key(&self, slot: Slot, foreign: bool) -> Result<()> {
        call!(self, remove, "zkRemoveKey", slot, foreign).map(drop)
    }

    /// Keeps somebody else's public key; its slot among the foreign ones.
    pub fn store_foreign_key(&self, key_type: KeyType, key: &[u8]) -> Result<Slot> {
        if key.len() != key_type.public_len() {
            return Err(Error::Argument("a foreign public key of the wrong length"));
        }
        let mut key = key.to_vec();
        let len = int(key.len())?;
        call!(self, store_foreign, "zkStoreForeignPubKey", key_type.number(), key.as_mut_ptr(), len)
    }

    /// The shared secret of a slot's key and a peer's public key (as [`Device::export_public_key`] shows one): x, or
    /// X25519's result. The vendor gives no length for it; it is 32 bytes on every curve of the device.
    pub fn ecdh(&self, slot: Slot, peer: &[u8]) -> Result<SecretBytes> {
        if !matches!(peer.len(), 32 | 64) || slot < 0 {
            return Err(Error::Argument("a peer's public key of neither 32 nor 64 bytes"));
        }
        let mut secret = Malloced::<u8>::new();
        call!(self, ecdh, "zkDoRawECDH", slot, peer.as_ptr(), int(peer.len())?, secret.place())
            .inspect_err(|_| secret.disown())?;
        // SAFETY: done, and a raw agreement is as long as the field.
        let bytes = unsafe { secret.copy("zkDoRawECDH", SECRET_LEN) }?;
        secret.wipe(SECRET_LEN);
        Ok(SecretBytes::from(bytes))
    }

    /// Fills `out` from the device's generator.
    pub fn random(&self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(RANDOM_CHUNK) {
            let mut bytes = Malloced::<u8>::new();
            call!(self, random, "zkGetRandBytes", bytes.place(), int(chunk.len())?)
                .inspect_err(|_| bytes.disown())?;
            // SAFETY: done, with as many bytes as were asked for.
            let copied = SecretBytes::from(unsafe { bytes.copy("zkGetRandBytes", chunk.len()) }?);
            bytes.wipe(chunk.len());
            chunk.copy_from_slice(&copied);
        }
        Ok(())
    }

    /// The slots that hold a key. [`Error::Missing`] or an errno on models that have no such list.
    pub fn alloc_slots(&self, foreign: bool) -> Result<AllocatedSlots> {
        const NAME: &str = "zkGetAllocSlotsList";
        let (mut list, mut capacity, mut len) = (Malloced::<c_int>::new(), 0, 0);
        call!(self, allocated, "zkGetAllocSlotsList", foreign, &mut capacity, list.place(), &mut len)
            .inspect_err(|_| list.disown())?;
        let count = usize::try_from(len).ok().filter(|count| *count <= MAX_SLOTS);
        let (Some(count), Ok(capacity)) = (count, usize::try_from(capacity)) else {
            return Err(Error::Malformed {
                function: NAME,
                why: "answered with an impossible number of slots",
            });
        };
        let mut slots = match count {
            0 => Vec::new(),
            // SAFETY: done, with so many numbers.
            _ => unsafe { list.copy(NAME, count) }?,
        };
        slots.retain(|slot| *slot >= 0);
        slots.sort_unstable();
        slots.dedup();
        Ok(AllocatedSlots { capacity, slots })
    }
}

fn int(len: usize) -> Result<c_int> {
    c_int::try_from(len).map_err(|_| Error::Argument("longer than the library can take"))
}

//! Hashes and HMAC by the RustCrypto crates.

use super::super::soft_hash::{Hashing, SoftDigest, SoftHash, SoftHmac};
use super::super::{DigestValue, Error, Hash, Result};
use crate::types::SecretBytes;
use ::hmac::{Hmac as CrateHmac, KeyInit};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::digest::{FixedOutput, Update};
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_256, Sha3_384, Sha3_512};
use zeroize::Zeroizing;

/// A message under way.
trait Running: Send + Sync {
    fn update(&mut self, part: &[u8]);
    fn value(&self) -> DigestValue;
    fn copy(&self) -> Box<dyn Running>;
    /// The crate's encoding of the state, if it can be taken out.
    fn state(&self) -> Option<Vec<u8>>;
}

/// A hash of a crate.
#[derive(Clone)]
pub(super) struct OfCrate<H>(H);

impl<H: Update + FixedOutput + Clone> Hashing for OfCrate<H> {
    fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }
    fn value(&self) -> DigestValue {
        DigestValue::new(&self.0.clone().finalize_fixed())
    }
}

/// A hash whose state stays where it is.
struct Kept<H>(H);

impl<H: Hashing + Send + Sync + 'static> Running for Kept<H> {
    fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }
    fn value(&self) -> DigestValue {
        self.0.value()
    }
    fn copy(&self) -> Box<dyn Running> {
        Box::new(Kept(self.0.clone()))
    }
    fn state(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A hash whose state can be taken out and put back.
struct Movable<H>(OfCrate<H>);

impl<H: Update + FixedOutput + SerializableState + Clone + Send + Sync + 'static> Running for Movable<H> {
    fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }
    fn value(&self) -> DigestValue {
        self.0.value()
    }
    fn copy(&self) -> Box<dyn Running> {
        Box::new(Movable(self.0.clone()))
    }
    fn state(&self) -> Option<Vec<u8>> {
        Some(self.0.0.serialize().to_vec())
    }
}

fn kept<H: Hashing + Send + Sync + 'static>(hash: H) -> Box<dyn Running> {
    Box::new(Kept(hash))
}

fn movable<H>() -> Box<dyn Running>
where
    H: Update + FixedOutput + SerializableState + Default + Clone + Send + Sync + 'static,
{
    Box::new(Movable(OfCrate(H::default())))
}

/// An empty message.
fn start(hash: Hash) -> Box<dyn Running> {
    match hash {
        Hash::Sha1 => movable::<Sha1>(),
        Hash::Sha224 => movable::<Sha224>(),
        Hash::Sha256 => movable::<Sha256>(),
        Hash::Sha384 => movable::<Sha384>(),
        Hash::Sha512 => movable::<Sha512>(),
        Hash::Sha512_224 => movable::<Sha512_224>(),
        Hash::Sha512_256 => movable::<Sha512_256>(),
        Hash::Sha3_224 => kept(SoftDigest::new(SoftHash::Sha3_224)),
        Hash::Sha3_256 => kept(OfCrate(Sha3_256::default())),
        Hash::Sha3_384 => kept(OfCrate(Sha3_384::default())),
        Hash::Sha3_512 => kept(OfCrate(Sha3_512::default())),
        Hash::Md5 => kept(OfCrate(Md5::default())),
        Hash::Blake2b160 => kept(SoftDigest::new(SoftHash::Blake2b160)),
        Hash::Blake2b256 => kept(SoftDigest::new(SoftHash::Blake2b256)),
        Hash::Blake2b384 => kept(SoftDigest::new(SoftHash::Blake2b384)),
        Hash::Blake2b512 => kept(SoftDigest::new(SoftHash::Blake2b512)),
        Hash::Keccak256 => kept(SoftDigest::new(SoftHash::Keccak256)),
        Hash::Blake3 => kept(SoftDigest::new(SoftHash::Blake3)),
    }
}

/// The message of a state in the crate's encoding.
fn restored(hash: Hash, state: &[u8]) -> Option<Box<dyn Running>> {
    match hash {
        Hash::Sha1 => moved::<Sha1>(hash, state),
        Hash::Sha224 => moved::<Sha224>(hash, state),
        Hash::Sha256 => moved::<Sha256>(hash, state),
        Hash::Sha384 => moved::<Sha384>(hash, state),
        Hash::Sha512 => moved::<Sha512>(hash, state),
        Hash::Sha512_224 => moved::<Sha512_224>(hash, state),
        Hash::Sha512_256 => moved::<Sha512_256>(hash, state),
        _ => None,
    }
}

fn moved<H>(hash: Hash, state: &[u8]) -> Option<Box<dyn Running>>
where
    H: Update + FixedOutput + SerializableState + Clone + Send + Sync + 'static,
{
    // Chaining value, number of blocks with its lowest byte first, block that is not full. A number that no message has
    // reached would overflow when the length is made of it.
    let blocks = state.len().checked_sub(hash.block_len())?;
    if !state.get(..blocks)?.ends_with(&[0, 0]) {
        return None;
    }
    let state = <&SerializedState<H>>::try_from(state).ok()?;
    Some(Box::new(Movable(OfCrate(H::deserialize(state).ok()?))))
}

/// Begins every saved state: another provider's have another form.
const FORM: [u8; 4] = *b"rc1\0";

const WRONG_LEN: Error = Error::Param("output buffer must be exactly as long as the result");

/// Copies a result into the caller's buffer of exactly its length.
fn give(out: &mut [u8], value: &[u8]) -> Result<()> {
    if out.len() != value.len() {
        return Err(WRONG_LEN);
    }
    out.copy_from_slice(value);
    Ok(())
}

/// The digest of `data`.
pub fn digest(hash: Hash, data: &[u8]) -> DigestValue {
    Digest::new(hash).value_with(data)
}

/// A running hash.
pub struct Digest {
    hash: Hash,
    /// `None` while the message is empty.
    message: Option<Box<dyn Running>>,
}

impl Clone for Digest {
    fn clone(&self) -> Self {
        Digest { hash: self.hash, message: self.message.as_ref().map(|message| message.copy()) }
    }
}

impl Digest {
    /// An empty message.
    pub fn new(hash: Hash) -> Digest {
        Digest { hash, message: None }
    }

    /// Which hash this is.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) {
        self.message.get_or_insert_with(|| start(self.hash)).update(part);
    }

    /// The digest of the message so far; the next message starts empty.
    pub fn value(&mut self) -> DigestValue {
        self.value_with(&[])
    }

    /// The same with a last part.
    pub fn value_with(&mut self, part: &[u8]) -> DigestValue {
        let mut message = self.message.take().unwrap_or_else(|| start(self.hash));
        message.update(part);
        message.value()
    }

    /// The message so far, in a form that [`Digest::restore`] takes; as secret as the message. `None` for a hash whose
    /// state can't be taken out.
    pub fn save(&self) -> Option<SecretBytes> {
        let state = match &self.message {
            Some(message) => message.state(),
            None => start(self.hash).state(),
        };
        let state = Zeroizing::new(state?);
        let mut saved = Vec::with_capacity(FORM.len() + state.len());
        saved.extend_from_slice(&FORM);
        saved.extend_from_slice(&state);
        Some(SecretBytes::from(saved))
    }

    /// The message that was saved; `None` for what [`Digest::save`] did not make with this hash.
    pub fn restore(hash: Hash, saved: &[u8]) -> Option<Digest> {
        let message = restored(hash, saved.strip_prefix(&FORM)?)?;
        Some(Digest { hash, message: Some(message) })
    }

    /// [`Digest::value`] into a buffer of exactly `hash.len()` bytes ([`Error::Param`] otherwise).
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.finish_with(&[], out)
    }

    /// [`Digest::value_with`], likewise.
    pub fn finish_with(&mut self, part: &[u8], out: &mut [u8]) -> Result<()> {
        give(out, &self.value_with(part))
    }
}

/// A running HMAC (RFC 2104). The key may have any length, none included.
pub struct Hmac {
    hash: Hash,
    message: Box<dyn Keyed>,
}

/// A key and the message so far.
trait Keyed: Send {
    fn update(&mut self, part: &[u8]);
    /// The MAC; the next message starts empty.
    fn finish(&mut self) -> DigestValue;
}

impl<H: Hashing + Send> Keyed for SoftHmac<H> {
    fn update(&mut self, part: &[u8]) {
        SoftHmac::update(self, part);
    }
    fn finish(&mut self) -> DigestValue {
        SoftHmac::finish(self)
    }
}

/// HMAC of the crate.
struct Restarting<M> {
    empty: M,
    running: M,
}

impl<M: Update + FixedOutput + Clone + Send> Keyed for Restarting<M> {
    fn update(&mut self, part: &[u8]) {
        self.running.update(part);
    }
    fn finish(&mut self) -> DigestValue {
        let message = std::mem::replace(&mut self.running, self.empty.clone());
        DigestValue::new(&message.finalize_fixed())
    }
}

fn of_crate<M: KeyInit + Update + FixedOutput + Clone + Send + 'static>(
    key: &[u8],
) -> Result<Box<dyn Keyed>> {
    let empty = M::new_from_slice(key).map_err(|_| Error::Internal("HMAC"))?;
    Ok(Box::new(Restarting { running: empty.clone(), empty }))
}

/// HMAC over a hash that the `hmac` crate would leave unwiped, or does not take.
fn of_ours<H: Hashing + Send + 'static>(empty: H, hash: Hash, key: &[u8]) -> Result<Box<dyn Keyed>> {
    Ok(Box::new(SoftHmac::new(empty, hash.block_len(), key)?))
}

impl Hmac {
    /// An empty message under `key`. [`Error::Memory`].
    pub fn new(hash: Hash, key: &[u8]) -> Result<Hmac> {
        let soft = |soft| of_ours(SoftDigest::new(soft), hash, key);
        let message = match hash {
            Hash::Sha1 => of_crate::<CrateHmac<Sha1>>(key),
            Hash::Sha224 => of_crate::<CrateHmac<Sha224>>(key),
            Hash::Sha256 => of_crate::<CrateHmac<Sha256>>(key),
            Hash::Sha384 => of_crate::<CrateHmac<Sha384>>(key),
            Hash::Sha512 => of_crate::<CrateHmac<Sha512>>(key),
            Hash::Sha512_224 => of_crate::<CrateHmac<Sha512_224>>(key),
            Hash::Sha512_256 => of_crate::<CrateHmac<Sha512_256>>(key),
            Hash::Md5 => of_crate::<CrateHmac<Md5>>(key),
            Hash::Sha3_224 => soft(SoftHash::Sha3_224),
            Hash::Sha3_256 => of_ours(OfCrate(Sha3_256::default()), hash, key),
            Hash::Sha3_384 => of_ours(OfCrate(Sha3_384::default()), hash, key),
            Hash::Sha3_512 => of_ours(OfCrate(Sha3_512::default()), hash, key),
            Hash::Blake2b160 => soft(SoftHash::Blake2b160),
            Hash::Blake2b256 => soft(SoftHash::Blake2b256),
            Hash::Blake2b384 => soft(SoftHash::Blake2b384),
            Hash::Blake2b512 => soft(SoftHash::Blake2b512),
            Hash::Keccak256 => soft(SoftHash::Keccak256),
            Hash::Blake3 => soft(SoftHash::Blake3),
        }?;
        Ok(Hmac { hash, message })
    }

    /// Length of the MAC in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.hash.len()
    }

    /// Appends to the message.
    pub fn update(&mut self, part: &[u8]) -> Result<()> {
        self.message.update(part);
        Ok(())
    }

    /// The MAC of the message so far.
    pub(super) fn value(&mut self) -> DigestValue {
        self.message.finish()
    }

    /// The MAC of the message so far into a buffer of exactly [`Hmac::len`] bytes ([`Error::Param`] otherwise); the
    /// next message starts empty, under the same key.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        // A buffer of another length leaves the message as it was.
        if out.len() != self.len() {
            return Err(WRONG_LEN);
        }
        give(out, &self.value())
    }
}

/// HMAC-SHA-256 over the concatenation of `parts`.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // What HMAC makes of a key of any length: one of a block's, which can't be refused.
    let mut block = Zeroizing::new([0; 64]);
    let hashed = if key.len() > block.len() { Some(digest(Hash::Sha256, key)) } else { None };
    let key = hashed.as_deref().unwrap_or(key);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <CrateHmac<Sha256> as KeyInit>::new((&*block).into());
    parts.iter().for_each(|part| Update::update(&mut mac, part));
    mac.finalize_fixed().into()
}

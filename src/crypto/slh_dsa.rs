//! SLH-DSA (FIPS 205) by the RustCrypto crate: AWS-LC has none.
//!
//! A signature is computed on the stack, where the largest take about 200 KiB.

use super::{Error, Hedge, PreHash, Result, random};
use crate::types::SecretBytes;
use slh_dsa::{ParameterSet, Signature, SigningKey, VerifyingKey};
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

const MAX_CONTEXT_LEN: usize = 255;
const FAILED: Error = Error::Internal("SLH-DSA");

/// A private key, the parts of what is signed, the random bytes of a hedged signature, and room for it.
type Sign = fn(&[u8], &[&[u8]], Option<&[u8]>, &mut [u8]) -> Result<()>;
/// A public key, the parts of what was signed, and the signature.
type Verify = fn(&[u8], &[&[u8]], &[u8]) -> Result<()>;

/// What a parameter set is and does. Keys are FIPS 205's encodings: SK.seed, SK.prf, PK.seed and PK.root of n bytes each.
struct Row {
    name: &'static str,
    n: usize,
    signature_len: usize,
    /// The last arc of the OID below 2.16.840.1.101.3.4.3.
    arc: u8,
    /// The private key of SK.seed, SK.prf and PK.seed.
    expand: fn([&[u8]; 3]) -> Zeroizing<Vec<u8>>,
    sign: Sign,
    verify: Verify,
}

macro_rules! sets {
    ($($variant:ident $name:literal $parameters:ident $n:literal $signature_len:literal $arc:literal;)*) => {
        /// An SLH-DSA parameter set (FIPS 205, table 2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SlhDsaSet {
            $(#[doc = $name] $variant,)*
        }

        impl SlhDsaSet {
            /// Every parameter set.
            pub const ALL: [SlhDsaSet; 12] = [$(SlhDsaSet::$variant),*];

            const fn row(self) -> &'static Row {
                match self {
                    $(SlhDsaSet::$variant => &Row {
                        name: $name,
                        n: $n,
                        signature_len: $signature_len,
                        arc: $arc,
                        expand: expand::<slh_dsa::$parameters>,
                        sign: sign::<slh_dsa::$parameters>,
                        verify: verify::<slh_dsa::$parameters>,
                    },)*
                }
            }
        }
    };
}

sets! {
    Sha2_128s "SLH-DSA-SHA2-128s" Sha2_128s 16 7856 20;
    Sha2_128f "SLH-DSA-SHA2-128f" Sha2_128f 16 17088 21;
    Sha2_192s "SLH-DSA-SHA2-192s" Sha2_192s 24 16224 22;
    Sha2_192f "SLH-DSA-SHA2-192f" Sha2_192f 24 35664 23;
    Sha2_256s "SLH-DSA-SHA2-256s" Sha2_256s 32 29792 24;
    Sha2_256f "SLH-DSA-SHA2-256f" Sha2_256f 32 49856 25;
    Shake128s "SLH-DSA-SHAKE-128s" Shake128s 16 7856 26;
    Shake128f "SLH-DSA-SHAKE-128f" Shake128f 16 17088 27;
    Shake192s "SLH-DSA-SHAKE-192s" Shake192s 24 16224 28;
    Shake192f "SLH-DSA-SHAKE-192f" Shake192f 24 35664 29;
    Shake256s "SLH-DSA-SHAKE-256s" Shake256s 32 29792 30;
    Shake256f "SLH-DSA-SHAKE-256f" Shake256f 32 49856 31;
}

fn expand<P: ParameterSet>([seed, prf, public]: [&[u8]; 3]) -> Zeroizing<Vec<u8>> {
    let mut bytes = SigningKey::<P>::slh_keygen_internal(seed, prf, public).to_bytes();
    let key = Zeroizing::new(bytes.to_vec());
    bytes.zeroize();
    key
}

fn sign<P: ParameterSet>(
    key: &[u8],
    parts: &[&[u8]],
    randomizer: Option<&[u8]>,
    out: &mut [u8],
) -> Result<()> {
    let key = SigningKey::<P>::try_from(key).map_err(|_| FAILED)?;
    let signature = key.slh_sign_internal(parts, randomizer).to_vec();
    if signature.len() != out.len() {
        return Err(FAILED);
    }
    out.copy_from_slice(&signature);
    Ok(())
}

fn verify<P: ParameterSet>(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<()> {
    let key = VerifyingKey::<P>::try_from(key).map_err(|_| FAILED)?;
    let signature = Signature::<P>::try_from(signature).map_err(|_| Error::SignatureLength)?;
    key.slh_verify_internal(parts, &signature).map_err(|_| Error::Signature)
}

impl SlhDsaSet {
    /// FIPS 205's name.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Length of a public key in bytes.
    pub const fn public_len(self) -> usize {
        2 * self.row().n
    }

    /// Length of a private key in bytes.
    pub const fn private_len(self) -> usize {
        4 * self.row().n
    }

    /// Length of a signature in bytes.
    pub const fn signature_len(self) -> usize {
        self.row().signature_len
    }

    /// The DER OBJECT IDENTIFIER of keys (RFC 9909): 2.16.840.1.101.3.4.3.20 to 31.
    pub(super) const fn oid_der(self) -> [u8; 11] {
        [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, self.row().arc]
    }
}

/// An SLH-DSA public key. Cloning shares it.
#[derive(Clone)]
pub struct SlhDsaPublic {
    set: SlhDsaSet,
    bytes: Arc<[u8]>,
}

/// An SLH-DSA private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct SlhDsaPrivate {
    set: SlhDsaSet,
    bytes: Arc<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for SlhDsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlhDsaPublic({})", self.set.name())
    }
}

impl fmt::Debug for SlhDsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlhDsaPrivate({})", self.set.name())
    }
}

/// What stands before the message (algorithms 22 to 25): 0 for the message itself, 1 for its digest.
fn head(domain: u8, context: &[u8]) -> Result<[u8; 2]> {
    match u8::try_from(context.len()) {
        Ok(len) if context.len() <= MAX_CONTEXT_LEN => Ok([domain, len]),
        _ => Err(Error::Param("SLH-DSA: the context has at most 255 bytes")),
    }
}

fn expect_digest(hash: PreHash, digest: &[u8]) -> Result<()> {
    if digest.len() == hash.digest_len() { Ok(()) } else { Err(Error::DataLength) }
}

impl SlhDsaPublic {
    /// From FIPS 205's encoding, of `set.public_len()` bytes ([`Error::Key`]).
    pub fn new(set: SlhDsaSet, key: &[u8]) -> Result<SlhDsaPublic> {
        if key.len() != set.public_len() {
            return Err(Error::Key("SLH-DSA: the public key has the wrong length for its parameter set"));
        }
        Ok(SlhDsaPublic { set, bytes: key.into() })
    }

    /// The parameter set.
    pub fn set(&self) -> SlhDsaSet {
        self.set
    }

    /// FIPS 205's encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pure SLH-DSA with a context of at most 255 bytes ([`Error::Param`]).
    pub fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        self.verify_parts(&[&head(0, context)?, context, message], signature)
    }

    /// HashSLH-DSA over a digest of this hash ([`Error::DataLength`]), with a context as for `verify`.
    pub fn verify_prehashed(
        &self,
        hash: PreHash,
        digest: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        expect_digest(hash, digest)?;
        self.verify_parts(&[&head(1, context)?, context, &hash.oid_der(), digest], signature)
    }

    fn verify_parts(&self, parts: &[&[u8]], signature: &[u8]) -> Result<()> {
        if signature.len() != self.set.signature_len() {
            return Err(Error::SignatureLength);
        }
        (self.set.row().verify)(&self.bytes, parts, signature)
    }
}

impl SlhDsaPrivate {
    /// A random key.
    pub fn generate(set: SlhDsaSet) -> Result<SlhDsaPrivate> {
        let mut seeds = Zeroizing::new(vec![0; 3 * set.row().n]);
        random(&mut seeds)?;
        Ok(SlhDsaPrivate { set, bytes: Arc::new(expanded(set, &seeds)?) })
    }

    /// From FIPS 205's encoding, of `set.private_len()` bytes, whose root has to follow from the rest ([`Error::Key`]).
    pub fn from_bytes(set: SlhDsaSet, key: &[u8]) -> Result<SlhDsaPrivate> {
        if key.len() != set.private_len() {
            return Err(Error::Key("SLH-DSA: the private key has the wrong length for its parameter set"));
        }
        let bytes = expanded(set, key)?;
        match super::equal(&bytes, key) {
            true => Ok(SlhDsaPrivate { set, bytes: Arc::new(bytes) }),
            false => Err(Error::Key("SLH-DSA: the public root does not belong to the private key")),
        }
    }

    /// The parameter set.
    pub fn set(&self) -> SlhDsaSet {
        self.set
    }

    /// FIPS 205's encoding.
    pub fn bytes(&self) -> SecretBytes {
        SecretBytes::from(&self.bytes[..])
    }

    /// The public half.
    pub fn public(&self) -> SlhDsaPublic {
        let bytes = self.bytes.get(self.set.public_len()..).unwrap_or_default();
        SlhDsaPublic { set: self.set, bytes: bytes.into() }
    }

    /// Pure SLH-DSA with a context of at most 255 bytes ([`Error::Param`]), into `out` of exactly
    /// `set().signature_len()` bytes. Every choice but [`Hedge::Deterministic`] gives a hedged signature.
    pub fn sign(&self, message: &[u8], context: &[u8], hedge: Hedge, out: &mut [u8]) -> Result<()> {
        self.sign_parts(&[&head(0, context)?, context, message], hedge, out)
    }

    /// HashSLH-DSA over a digest of this hash ([`Error::DataLength`]); the rest as for `sign`.
    pub fn sign_prehashed(
        &self,
        hash: PreHash,
        digest: &[u8],
        context: &[u8],
        hedge: Hedge,
        out: &mut [u8],
    ) -> Result<()> {
        expect_digest(hash, digest)?;
        self.sign_parts(&[&head(1, context)?, context, &hash.oid_der(), digest], hedge, out)
    }

    fn sign_parts(&self, parts: &[&[u8]], hedge: Hedge, out: &mut [u8]) -> Result<()> {
        let row = self.set.row();
        let mut randomizer = Zeroizing::new(vec![0; row.n]);
        let randomizer = match hedge {
            Hedge::Deterministic => None,
            Hedge::Preferred | Hedge::Required => {
                random(&mut randomizer)?;
                Some(&randomizer[..])
            }
        };
        (row.sign)(&self.bytes, parts, randomizer, out)
    }
}

/// The private key that begins with these seeds, its root computed.
fn expanded(set: SlhDsaSet, seeds: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut seeds = seeds.chunks_exact(set.row().n);
    match (seeds.next(), seeds.next(), seeds.next()) {
        (Some(seed), Some(prf), Some(public)) => Ok((set.row().expand)([seed, prf, public])),
        _ => Err(FAILED),
    }
}

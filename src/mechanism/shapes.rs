//! The shapes operations come in, so that a mechanism only writes its primitive.
//!
//! A signature primitive ([`Signer`], [`Checker`]) becomes a running operation in one of three shapes:
//! [`SinglePart`] (the data goes in as it is, in one call), [`Hashing`] (a digest runs over the parts) and
//! [`Gathering`] (the primitive needs the whole message, so the parts are kept). A [`Transform`] becomes a
//! single-part cipher. None of them allocates with the data, except `Gathering`, which must.

use zeroize::Zeroize;

use crate::crypto::{Digest, Hash, MAX_DIGEST_LEN};
use crate::error::{Error, ErrorKind, Result};
use crate::types::SecretBytes;

use super::op::{Cipher, Producer, Verifier};

/// Signs one piece of data: a message, a digest or a block, as the shape feeds it.
pub trait Signer: Send + 'static {
    /// Exact length of a signature in bytes.
    fn signature_len(&self) -> usize;
    /// Writes the signature into `out`, exactly `signature_len()` bytes.
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()>;
}

/// Judges a signature over one piece of data.
pub(super) trait Checker: Send + 'static {
    /// CKR_SIGNATURE_LEN_RANGE or CKR_SIGNATURE_INVALID for a signature that does not hold.
    fn check(&self, data: &[u8], signature: &[u8]) -> Result<()>;
}

/// Turns one input into one output.
pub(super) trait Transform: Send + 'static {
    /// Upper bound of the output for `input` bytes; must not depend on the data itself.
    fn bound(&self, input: usize) -> usize;
    /// Writes the output and returns its length.
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize>;
}

fn single_part_only() -> Error {
    Error::new(
        ErrorKind::OperationNotInitialized,
        "this mechanism works on the whole data in one call: use the single-part function",
    )
}

/// One call with the whole input.
pub(super) struct SinglePart<P>(pub(super) P);

impl<P: Signer> Producer for SinglePart<P> {
    fn output_len(&self) -> usize {
        self.0.signature_len()
    }
    fn update(&mut self, _part: &[u8]) -> Result<()> {
        Err(single_part_only())
    }
    fn finish(&mut self, _out: &mut [u8]) -> Result<()> {
        Err(single_part_only())
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.sign(data, out)
    }
}

/// The verifying [`SinglePart`]; a type of its own because one primitive may do both.
pub(super) struct SinglePartCheck<P>(pub(super) P);

impl<P: Checker> Verifier for SinglePartCheck<P> {
    fn update(&mut self, _part: &[u8]) -> Result<()> {
        Err(single_part_only())
    }
    fn finish(&mut self, _signature: &[u8]) -> Result<()> {
        Err(single_part_only())
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.check(data, signature)
    }
}

/// The single-part cipher.
pub(super) struct SinglePartCipher<P>(pub(super) P);

impl<P: Transform> Cipher for SinglePartCipher<P> {
    fn update_len(&self, _input: usize) -> usize {
        0
    }
    fn finish_len(&self) -> usize {
        0
    }
    fn once_len(&self, input: usize) -> usize {
        self.0.bound(input)
    }
    fn update(&mut self, _part: &[u8], _out: &mut [u8]) -> Result<usize> {
        Err(single_part_only())
    }
    fn finish(&mut self, _out: &mut [u8]) -> Result<usize> {
        Err(single_part_only())
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        self.0.run(data, out)
    }
}

/// A digest over the parts, its value to the primitive.
pub(super) struct Hashing<P> {
    digest: Digest,
    primitive: P,
}

impl<P> Hashing<P> {
    pub(super) fn new(hash: Hash, primitive: P) -> Self {
        Hashing { digest: Digest::new(hash), primitive }
    }
}

impl<P: Signer> Producer for Hashing<P> {
    fn output_len(&self) -> usize {
        self.primitive.signature_len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.digest.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.primitive.sign(&self.digest.value(), out)
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.primitive.sign(&self.digest.value_with(data), out)
    }
}

/// The verifying [`Hashing`].
pub(super) struct HashingCheck<P>(pub(super) Hashing<P>);

impl<P: Checker> Verifier for HashingCheck<P> {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.digest.update(part);
        Ok(())
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.0.primitive.check(&self.0.digest.value(), signature)
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.primitive.check(&self.0.digest.value_with(data), signature)
    }
}

/// The parts kept until the end, for primitives that pass over the message twice (EdDSA) or take it whole (ML-DSA).
/// A message that does not fit in memory is CKR_HOST_MEMORY. The single call hands the caller's data through uncopied.
pub(super) struct Gathering<P> {
    message: Vec<u8>,
    primitive: P,
}

impl<P> Gathering<P> {
    pub(super) fn new(primitive: P) -> Self {
        Gathering { message: Vec::new(), primitive }
    }
}

/// Keeps a part of what is taken whole. CKR_HOST_MEMORY where it does not fit in memory.
pub(super) fn gather(kept: &mut Vec<u8>, part: &[u8]) -> Result<()> {
    // Growing moves the data and frees the old place as it is: without this, parts of it would stay there.
    if kept.capacity() - kept.len() < part.len() {
        let mut grown = Vec::new();
        let wanted = kept.len().saturating_add(part.len()).max(kept.capacity().saturating_mul(2));
        grown.try_reserve_exact(wanted).map_err(|_| {
            Error::new(
                ErrorKind::HostMemory,
                "the data does not fit in memory: this mechanism keeps it whole",
            )
        })?;
        grown.extend_from_slice(kept);
        kept.zeroize();
        *kept = grown;
    }
    kept.extend_from_slice(part);
    Ok(())
}

impl<P> Drop for Gathering<P> {
    fn drop(&mut self) {
        self.message.zeroize();
    }
}

impl<P: Signer> Producer for Gathering<P> {
    fn output_len(&self) -> usize {
        self.primitive.signature_len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        gather(&mut self.message, part)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.primitive.sign(&self.message, out)
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.primitive.sign(data, out)
    }
}

/// The verifying [`Gathering`].
pub(super) struct GatheringCheck<P>(pub(super) Gathering<P>);

impl<P: Checker> Verifier for GatheringCheck<P> {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        gather(&mut self.0.message, part)
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.0.primitive.check(&self.0.message, signature)
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.primitive.check(data, signature)
    }
}

/// Verifies what a MAC produces: makes it again and compares in constant time.
pub(super) struct MacCheck<P>(pub(super) P);

impl<P: Producer> MacCheck<P> {
    /// Compares what `produce` makes.
    fn check(
        &mut self,
        signature: &[u8],
        produce: impl FnOnce(&mut P, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let mut expected = zeroize::Zeroizing::new([0; MAX_DIGEST_LEN]);
        let expected = expected.get_mut(..self.0.output_len()).unwrap_or_default();
        if signature.len() != expected.len() {
            return Err(Error::new(ErrorKind::SignatureLenRange, "the MAC has another length"));
        }
        produce(&mut self.0, expected)?;
        match crate::crypto::equal(expected, signature) {
            true => Ok(()),
            false => Err(ErrorKind::SignatureInvalid.into()),
        }
    }
}

impl<P: Producer> Verifier for MacCheck<P> {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part)
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.check(signature, |mac, out| mac.finish(out))
    }
    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.check(signature, |mac, out| mac.once(data, out))
    }
}

/// The result into the caller's buffer, which the session has sized by the bound.
pub(super) fn put(value: &[u8], out: &mut [u8]) -> Result<usize> {
    let place = out.get_mut(..value.len()).ok_or(ErrorKind::BufferTooSmall)?;
    place.copy_from_slice(value);
    Ok(value.len())
}

/// A copy of a caller's data. CKR_HOST_MEMORY where there is no room for it.
pub(super) fn copied(data: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.len())
        .map_err(|_| Error::new(ErrorKind::HostMemory, "the data does not fit in memory"))?;
    copy.extend_from_slice(data);
    Ok(copy)
}

/// Room for a secret whose length a caller's data decides. CKR_HOST_MEMORY where there is none.
pub(super) fn zeroed(len: usize) -> Result<SecretBytes> {
    SecretBytes::zeroed(len)
        .map_err(|_| Error::new(ErrorKind::HostMemory, "no memory for a key of this length"))
}

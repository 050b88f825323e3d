//! Mechanisms whose private key is elsewhere, in a device or behind a network: what surrounds the primitive is done
//! here, by the same code as for keys in this process.

mod cipher;
mod sign;
mod words;

use crate::crypto::PublicKey;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::Params;
use super::derive;
use super::ec;
use super::errors;
use super::ml_kem;
use super::op::Producer;
use super::shapes::{Hashing, SinglePart};

pub use super::shapes::Signer;
pub use cipher::{decryption, secret, unwrapping};
pub use sign::{mac, mac_check, signature};
pub use words::{Cipher, Limits, Remote, Signing};

/// A signature by an ECDSA mechanism of a key that signs digests: hashed here, in parts or whole, if the mechanism
/// hashes. `None` for any other mechanism.
pub fn ecdsa(kind: ck::CK_MECHANISM_TYPE, signer: impl Signer) -> Option<Box<dyn Producer>> {
    let hash = ec::SCHEMES.iter().find(|(of, _)| *of == kind).map(|(_, hash)| *hash)?;
    Some(match hash {
        None => Box::new(SinglePart(signer)),
        Some(hash) => Box::new(Hashing::new(hash, signer)),
    })
}

/// CKM_ECDH1_DERIVE for the key whose public half is `own`. `agree` makes the raw secret with the other party's key,
/// which was checked to be one of the same curve.
pub fn ecdh(
    own: &PublicKey,
    params: &Params,
    wanted: Option<usize>,
    agree: impl FnOnce(&PublicKey) -> Result<SecretBytes>,
) -> Result<SecretBytes> {
    derive::with(params, wanted, |public| agree(&derive::peer(own, public)?))
}

/// CKM_ML_KEM for the private key whose public half is `own`; `None` for any other mechanism. `ask` finds the secret of
/// the ciphertext, which was checked to be as long as the key's are.
pub fn decapsulation(
    kind: ck::CK_MECHANISM_TYPE,
    own: &PublicKey,
    ciphertext: &[u8],
    wanted: Option<usize>,
    ask: impl FnOnce() -> Result<SecretBytes>,
) -> Option<Result<SecretBytes>> {
    let PublicKey::MlKem(own) = own else { return None };
    (kind == ck::CKM_ML_KEM).then(|| {
        ml_kem::expect_lengths(own.set(), ciphertext, wanted)?;
        let secret = ask().map_err(errors::unwrap)?;
        match secret.len() == crate::crypto::MlKemPublic::SECRET_LEN {
            true => Ok(secret),
            false => Err(Error::new(ErrorKind::DeviceError, "the shared secret has not 32 bytes")),
        }
    })
}

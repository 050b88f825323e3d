//! Argon2id (RFC 9106), a mechanism of keyward's own: C_GenerateKey out of a password in the parameter, C_DeriveKey out
//! of one that is a key.

use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck};

use super::{ANY_SECRET, any_len, invalid, structure, zeroed};
use crate::mechanism::derivation::Derive;
use crate::mechanism::descriptor::{Descriptor, Ops, Provider};
use crate::mechanism::errors;
use crate::mechanism::key::Key;
use crate::mechanism::material;
use crate::mechanism::params::{Argon2id, KdfKind, ParamKind, Params};
use crate::mechanism::secret::MAX_BYTES;

/// The most memory in KiB: 2 GiB, what RFC 9106 (section 4) recommends where there is plenty.
const MAX_MEMORY: u32 = 1 << 21;
/// The most memory in KiB times passes: about a minute, so that a stray number does not take the session away for ever.
const MAX_WORK: u64 = 1 << 26;
/// The shortest key that Argon2id gives, in bytes.
const MIN_LEN: usize = 4;

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[Descriptor {
    kind: ck::CKM_KEYWARD_ARGON2ID,
    name: "CKM_KEYWARD_ARGON2ID",
    key_types: ANY_SECRET,
    min_key_size: 1,
    max_key_size: MAX_BYTES,
    param: ParamKind::Kdf(KdfKind::Argon2id),
    ops: Ops {
        generate: Some(generate),
        derive: Some(Derive::Secret(Inherit::Template, derive)),
        ..Ops::NONE
    },
    extra_flags: 0,
    legacy: false,
    fips: false,
    provider: Provider::RustCrypto,
    vectors: "Python cryptography (OpenSSL)",
}];

fn generate(params: &Params, template: &Attributes) -> Result<SecretBytes> {
    let params = structure!(params, Argon2id)?;
    hashed(&params.password, params, material::wanted_len(template)?)
}

fn derive(key: &Key, params: &Params, wanted: Option<usize>) -> Result<SecretBytes> {
    let params = structure!(params, Argon2id)?;
    if !params.password.is_empty() {
        return Err(invalid("Argon2id: the base key is the password, so pPassword has to be empty"));
    }
    hashed(key.secret()?, params, wanted)
}

fn hashed(password: &[u8], params: &Argon2id, wanted: Option<usize>) -> Result<SecretBytes> {
    let wanted = any_len(wanted)?;
    if wanted < MIN_LEN {
        return Err(Error::new(ErrorKind::KeySizeRange, "Argon2id gives keys of 4 bytes or more"));
    }
    let number = |n: ck::CK_ULONG| u32::try_from(n).map_err(|_| invalid("Argon2id: a number is too large"));
    let (memory, passes, lanes) = (number(params.memory)?, number(params.passes)?, number(params.lanes)?);
    if memory > MAX_MEMORY {
        return Err(invalid("Argon2id: ulMemoryKiB is above 2 GiB"));
    }
    if u64::from(memory) * u64::from(passes) > MAX_WORK {
        return Err(invalid("Argon2id: so many passes over so much memory would take too long"));
    }
    let mut key = zeroed(wanted)?;
    crypto::argon2id_into(password, &params.salt, (memory, passes, lanes), &mut key).map_err(errors::data)?;
    Ok(key)
}

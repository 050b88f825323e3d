//! PBKDF2 (RFC 8018; PKCS#11 v3.2, section 6 "PKCS #5 PBKDF2 key generation"): C_GenerateKey out of a password.

use crate::crypto;
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::{SecretBytes, ck};

use super::prf::pbkdf2_hash;
use super::{ANY_SECRET, any_len, invalid, structure, zeroed};
use crate::mechanism::descriptor::{Descriptor, Ops, Provider};
use crate::mechanism::errors;
use crate::mechanism::material;
use crate::mechanism::params::{KdfKind, ParamKind, Params};
use crate::mechanism::secret::MAX_BYTES;

/// The most iterations times blocks of output: about a minute, far above what anybody uses, low enough that a stray
/// count does not take the session away for ever.
const MAX_WORK: u64 = 1 << 26;

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[Descriptor {
    kind: ck::CKM_PKCS5_PBKD2,
    name: "CKM_PKCS5_PBKD2",
    key_types: ANY_SECRET,
    min_key_size: 1,
    max_key_size: MAX_BYTES,
    param: ParamKind::Kdf(KdfKind::Pbkdf2),
    ops: Ops { generate: Some(generate), ..Ops::NONE },
    extra_flags: 0,
    legacy: false,
    fips: true,
    provider: Provider::OfBuild,
    vectors: "Wycheproof, RFC 6070",
}];

fn generate(params: &Params, template: &Attributes) -> Result<SecretBytes> {
    let params = structure!(params, Pbkdf2)?;
    let hash = pbkdf2_hash(params.prf)?;
    let wanted = any_len(material::wanted_len(template)?)?;
    let iterations = u32::try_from(params.iterations).ok().filter(|iterations| *iterations != 0);
    let iterations = iterations.ok_or_else(|| invalid("PBKDF2: iterations is 0 or too many"))?;
    let blocks = u64::try_from(wanted.div_ceil(hash.len())).unwrap_or(u64::MAX);
    if u64::from(iterations).saturating_mul(blocks) > MAX_WORK {
        let why = "PBKDF2: so many iterations for a key of this length would take too long";
        return Err(Error::new(ErrorKind::MechanismParamInvalid, why));
    }
    let mut key = zeroed(wanted)?;
    crypto::pbkdf2(hash, &params.password, &params.salt, iterations, &mut key).map_err(errors::data)?;
    Ok(key)
}

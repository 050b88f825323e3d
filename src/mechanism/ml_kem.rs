//! ML-KEM (PKCS#11 v3.2, section 6 "ML-KEM"): generation, encapsulation and decapsulation of FIPS 203.

use crate::crypto::{MlKemPrivate, MlKemPublic, MlKemSet, PrivateKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck, ulong};

use super::descriptor::{Descriptor, Ops, Provider};
use super::encapsulation::exact_len;
use super::errors;
use super::material;
use super::op::Encapsulation;
use super::params::ParamKind;

macro_rules! row {
    ($kind:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[ck::CKK_ML_KEM],
            // Lengths of public keys in bytes.
            min_key_size: ulong(MlKemSet::MlKem512.public_len()),
            max_key_size: ulong(MlKemSet::MlKem1024.public_len()),
            param: ParamKind::None,
            ops: Ops { $($op: Some($function),)* ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::OfBuild,
            vectors: "ACVP, Wycheproof",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_ML_KEM_KEY_PAIR_GEN, {
        generate_pair: |_, public, _| {
            let set = material::ml_kem_set(public)?;
            MlKemPrivate::generate(set).map(PrivateKey::MlKem).map_err(errors::template)
        },
    }),
    row!(CKM_ML_KEM, {
        encapsulate: |key, _| Ok(Box::new(Encaps(key.ml_kem_public()?.clone()))),
        decapsulate: |key, _, ciphertext, wanted| decapsulate(key.ml_kem_private()?, ciphertext, wanted),
    }),
];

struct Encaps(MlKemPublic);

impl Encapsulation for Encaps {
    fn ciphertext_len(&self) -> usize {
        self.0.set().ciphertext_len()
    }

    fn run(&self, wanted: Option<usize>, ciphertext: &mut [u8]) -> Result<SecretBytes> {
        exact_len(wanted, MlKemPublic::SECRET_LEN)?;
        self.0.encapsulate(ciphertext).map_err(errors::data)
    }
}

fn decapsulate(key: &MlKemPrivate, ciphertext: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
    expect_lengths(key.set(), ciphertext, wanted)?;
    key.decapsulate(ciphertext).map_err(errors::data)
}

/// All that can be wrong with a ciphertext is its length: CKR_WRAPPED_KEY_LEN_RANGE. CKR_TEMPLATE_INCONSISTENT for a
/// length that the secret does not have.
pub(super) fn expect_lengths(set: MlKemSet, ciphertext: &[u8], wanted: Option<usize>) -> Result<()> {
    exact_len(wanted, MlKemPublic::SECRET_LEN)?;
    match ciphertext.len() == set.ciphertext_len() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::WrappedKeyLenRange,
            "the ciphertext has another length than those of the key's parameter set",
        )),
    }
}

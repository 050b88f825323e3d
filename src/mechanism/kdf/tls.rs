//! The PRF of TLS as a key derivation function and as the MAC of Finished, and pre-master secrets (PKCS#11 v3.2,
//! section 6 "1.2 Mechanisms" and "SSL").

use crate::crypto::{self, Hash, MAX_DIGEST_LEN};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit};
use crate::types::{SecretBytes, ck, length};

use super::{any_len, invalid, named, row, structure, zeroed};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::{Descriptor, Ops, Provider};
use crate::mechanism::digest::by_mechanism;
use crate::mechanism::errors;
use crate::mechanism::key::Key;
use crate::mechanism::op::Producer;
use crate::mechanism::params::{KdfKind, ParamKind, Params};
use crate::mechanism::secret::{MAX_BYTES, random};
use crate::mechanism::shapes::MacCheck;

const GENERIC: &[ck::CK_KEY_TYPE] = &[ck::CKK_GENERIC_SECRET];

/// Length of a pre-master and of a master secret in bytes.
pub(super) const SECRET_LEN: usize = 48;

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    kdf(named!(CKM_TLS_KDF)),
    kdf(named!(CKM_TLS12_KDF)),
    mac(named!(CKM_TLS_MAC)),
    mac(named!(CKM_TLS12_MAC)),
    pre_master(named!(CKM_TLS_PRE_MASTER_KEY_GEN)),
];

const fn kdf(name: (ck::CK_MECHANISM_TYPE, &'static str)) -> Descriptor {
    let derive = Derive::Objects(Base::Key, derive);
    row(name, GENERIC, (1, MAX_BYTES), ParamKind::Kdf(KdfKind::TlsKdf), derive, false, "OpenSSL")
}

const fn mac((kind, name): (ck::CK_MECHANISM_TYPE, &'static str)) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types: GENERIC,
        min_key_size: 1,
        max_key_size: MAX_BYTES,
        param: ParamKind::Kdf(KdfKind::TlsMac),
        ops: Ops {
            sign: Some(|key, params| Ok(Box::new(Finished::new(key, params)?))),
            verify: Some(|key, params| Ok(Box::new(MacCheck(Finished::new(key, params)?)))),
            ..Ops::NONE
        },
        extra_flags: 0,
        legacy: false,
        fips: false,
        provider: Provider::OfBuild,
        vectors: "OpenSSL",
    }
}

const fn pre_master((kind, name): (ck::CK_MECHANISM_TYPE, &'static str)) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types: GENERIC,
        min_key_size: 48,
        max_key_size: 48,
        param: ParamKind::Kdf(KdfKind::TlsVersion),
        ops: Ops { generate: Some(generate), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips: false,
        provider: Provider::OfBuild,
        vectors: "",
    }
}

/// The hash of a PRF; `None` for the PRF of TLS 1.0 and 1.1, which CKM_TLS_PRF names.
pub(super) fn hash_of(prf: ck::CK_MECHANISM_TYPE) -> Result<Option<Hash>> {
    match prf {
        ck::CKM_TLS_PRF => Ok(None),
        hash => by_mechanism(hash).map(Some),
    }
}

/// So many bytes of the PRF.
pub(super) fn prf(
    hash: Option<Hash>,
    secret: &[u8],
    label: &[u8],
    seed: &[u8],
    len: usize,
) -> Result<SecretBytes> {
    let mut out = zeroed(len)?;
    crypto::tls_prf(hash, secret, label, seed, &mut out).map_err(errors::data)?;
    Ok(out)
}

/// Keying material for others (RFC 5705, section 4).
fn derive(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, TlsKdf)?;
    let hash = hash_of(params.prf)?;
    let mut seed = [&params.randoms.client[..], &params.randoms.server].concat();
    if let Some(context) = &params.context {
        let len = u16::try_from(context.len());
        let len = len.map_err(|_| invalid("TLS: a context has at most 65535 bytes"))?;
        seed.extend(len.to_be_bytes());
        seed.extend(context);
    }
    let secret = derivation.base.key.secret()?;
    derivation.secret(Inherit::Base, |_, wanted| prf(hash, secret, &params.label, &seed, any_len(wanted)?))
}

/// A pre-master secret of the RSA key exchange: the client's version and random bytes (RFC 5246, section 7.4.7.1).
fn generate(params: &Params, template: &Attributes) -> Result<SecretBytes> {
    let version = structure!(params, TlsVersion)?;
    if template.ulong(ck::CKA_VALUE_LEN).is_some_and(|len| length(len) != SECRET_LEN) {
        let why = "CKA_VALUE_LEN of a pre-master secret is 48";
        return Err(Error::new(ErrorKind::AttributeValueInvalid, why));
    }
    let mut secret = random(SECRET_LEN)?;
    secret.iter_mut().zip(version).for_each(|(to, from)| *to = *from);
    Ok(secret)
}

/// The verify_data of a Finished message (RFC 5246, section 7.4.9) over the hash of the handshake.
struct Finished {
    secret: SecretBytes,
    hash: Option<Hash>,
    label: &'static [u8],
    len: usize,
    seed: Vec<u8>,
}

/// The data is a hash, or two: more is none of this mechanism's.
const MAX_SEED: usize = 64 << 10;

impl Finished {
    fn new(key: &Key, params: &Params) -> Result<Finished> {
        let params = structure!(params, TlsMac)?;
        let hash = hash_of(params.prf)?;
        let label: &[u8] = match params.side {
            1 => b"server finished",
            2 => b"client finished",
            _ => return Err(invalid("TLS: ulServerOrClient is 1 or 2")),
        };
        let len = length(params.len);
        let fits = match hash {
            None => len == 12,
            Some(_) => (12..=MAX_DIGEST_LEN).contains(&len),
        };
        match fits {
            true => Ok(Finished { secret: key.secret()?.clone(), hash, label, len, seed: Vec::new() }),
            false => Err(invalid("TLS: a MAC has 12 bytes, or with TLS 1.2 up to 64")),
        }
    }
}

impl Producer for Finished {
    fn output_len(&self) -> usize {
        self.len
    }

    fn update(&mut self, part: &[u8]) -> Result<()> {
        if part.len() > MAX_SEED - self.seed.len() {
            let why = "the data is the hash of a handshake, not a message of over 64 KiB";
            return Err(Error::new(ErrorKind::DataLenRange, why));
        }
        self.seed.extend_from_slice(part);
        Ok(())
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let seed = std::mem::take(&mut self.seed);
        crypto::tls_prf(self.hash, &self.secret, self.label, &seed, out).map_err(errors::data)
    }
}

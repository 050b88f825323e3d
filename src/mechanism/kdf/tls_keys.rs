//! The master secret and the traffic keys of TLS 1.2 (PKCS#11 v3.2, section 6 "1.2 Mechanisms").

use crate::error::{Error, ErrorKind, Result};
use crate::object::{Inherit, Template, Value};
use crate::types::{SecretBytes, ck, length, ulong};

use super::tls::{SECRET_LEN, prf};
use super::{invalid, named, row, structure};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::Descriptor;
use crate::mechanism::digest::by_mechanism;
use crate::mechanism::params::{KdfKind, ParamKind, Params, Reply, TlsKeyMaterial};

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    tls(
        named!(CKM_TLS12_MASTER_KEY_DERIVE),
        KdfKind::TlsMaster,
        |derivation, params| master(derivation, params, Exchange::Rsa),
        false,
    ),
    tls(
        named!(CKM_TLS12_MASTER_KEY_DERIVE_DH),
        KdfKind::TlsMaster,
        |derivation, params| master(derivation, params, Exchange::DiffieHellman),
        false,
    ),
    tls(
        named!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE),
        KdfKind::TlsExtendedMaster,
        |derivation, params| extended_master(derivation, params, Exchange::Rsa),
        true,
    ),
    tls(
        named!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH),
        KdfKind::TlsExtendedMaster,
        |derivation, params| extended_master(derivation, params, Exchange::DiffieHellman),
        true,
    ),
    tls(named!(CKM_TLS12_KEY_AND_MAC_DERIVE), KdfKind::TlsKeyMaterial, key_material, false),
    tls(named!(CKM_TLS12_KEY_SAFE_DERIVE), KdfKind::TlsKeyMaterial, key_material, false),
];

const fn tls(
    name: (ck::CK_MECHANISM_TYPE, &'static str),
    param: KdfKind,
    derive: fn(&Derivation<'_>, &Params) -> Result<Vec<Derived>>,
    fips: bool,
) -> Descriptor {
    let derive = Derive::Objects(Base::Key, derive);
    // 48 bytes for all of them, says the specification, though a secret of Diffie-Hellman has any length.
    row(name, &[ck::CKK_GENERIC_SECRET], (48, 48), ParamKind::Kdf(param), derive, fips, "OpenSSL")
}

/// How the pre-master secret came about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exchange {
    /// Encrypted by the client: 48 bytes, the first two of which are its version.
    Rsa,
    /// Agreed upon: any length.
    DiffieHellman,
}

/// What a master secret is good for.
const OF_MASTER: [ck::CK_MECHANISM_TYPE; 6] = [
    ck::CKM_TLS12_KEY_AND_MAC_DERIVE,
    ck::CKM_TLS12_KEY_SAFE_DERIVE,
    ck::CKM_TLS_KDF,
    ck::CKM_TLS_MAC,
    ck::CKM_TLS12_KDF,
    ck::CKM_TLS12_MAC,
];

fn master(derivation: &Derivation<'_>, params: &Params, exchange: Exchange) -> Result<Vec<Derived>> {
    let params = structure!(params, TlsMaster)?;
    let seed = [&params.randoms.client[..], &params.randoms.server].concat();
    let how = (params.hash, &b"master secret"[..]);
    master_by(derivation, how, &seed, exchange, params.version.as_ref())
}

/// RFC 7627, section 4.
fn extended_master(derivation: &Derivation<'_>, params: &Params, exchange: Exchange) -> Result<Vec<Derived>> {
    let params = structure!(params, TlsExtendedMaster)?;
    let how = (params.hash, &b"extended master secret"[..]);
    master_by(derivation, how, &params.session_hash, exchange, params.version.as_ref())
}

fn master_by(
    derivation: &Derivation<'_>,
    (hash, label): (ck::CK_MECHANISM_TYPE, &[u8]),
    seed: &[u8],
    exchange: Exchange,
    version: Option<&Reply<[u8; 2]>>,
) -> Result<Vec<Derived>> {
    let hash = by_mechanism(hash)?;
    let secret = derivation.base.key.secret()?;
    match (exchange, version, &secret[..]) {
        (Exchange::DiffieHellman, Some(_), _) => {
            return Err(invalid("TLS: an agreed secret has no version, so that pVersion must be null"));
        }
        (Exchange::Rsa, version, [major, minor, ..]) if secret.len() == SECRET_LEN => {
            version.into_iter().for_each(|version| version.put([*major, *minor]));
        }
        (Exchange::Rsa, ..) => return Err(no_secret()),
        (Exchange::DiffieHellman, None, _) => {}
    }
    let allowed = derivation.template.get(ck::CKA_ALLOWED_MECHANISMS);
    if let Some(Value::Mechanisms(given)) = allowed
        && !given.iter().all(|mechanism| OF_MASTER.contains(mechanism))
    {
        let why = "CKA_ALLOWED_MECHANISMS lists what is not for a master secret";
        return Err(Error::new(ErrorKind::TemplateInconsistent, why));
    }
    let template = derivation.template_or(&[
        (ck::CKA_ALLOWED_MECHANISMS, Value::Mechanisms(OF_MASTER.to_vec())),
        (ck::CKA_VALUE_LEN, Value::Ulong(ulong(SECRET_LEN))),
    ]);
    let key = derivation.secret_by(&template, Inherit::Template, |key, _| match key.key_type() {
        Some(ck::CKK_GENERIC_SECRET) => prf(Some(hash), secret, label, seed, SECRET_LEN),
        _ => {
            let why = "CKA_KEY_TYPE of a master secret is CKK_GENERIC_SECRET";
            Err(Error::new(ErrorKind::TemplateInconsistent, why))
        }
    })?;
    Ok(vec![key.into()])
}

fn no_secret() -> Error {
    Error::new(ErrorKind::KeySizeRange, "a pre-master or master secret of TLS has 48 bytes")
}

/// The longest MAC key (HMAC-SHA-512's), write key and IV that a cipher suite of TLS 1.2 may have, in bytes.
const MAX_MAC: usize = 64;
const MAX_KEY: usize = 32;
const MAX_IV: usize = 16;

/// Whole bytes out of a length in bits.
fn bytes(bits: ck::CK_ULONG, most: usize) -> Result<usize> {
    match length(bits) / 8 {
        bytes if bits.is_multiple_of(8) && bytes <= most => Ok(bytes),
        _ => Err(invalid("TLS: no cipher suite has MACs, keys or IVs of this length in bits")),
    }
}

/// What of C_DeriveKey's template goes for the MAC keys, too: the rest is about the write keys.
const OF_ALL_KEYS: [ck::CK_ATTRIBUTE_TYPE; 11] = [
    ck::CKA_TOKEN,
    ck::CKA_PRIVATE,
    ck::CKA_MODIFIABLE,
    ck::CKA_COPYABLE,
    ck::CKA_DESTROYABLE,
    ck::CKA_LABEL,
    ck::CKA_ID,
    ck::CKA_SENSITIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_START_DATE,
    ck::CKA_END_DATE,
];

fn mac_template(derivation: &Derivation<'_>) -> Template {
    let kept = derivation.template.iter().filter(|(id, _)| OF_ALL_KEYS.contains(id));
    kept.fold(Template::new(), |template, (id, value)| template.with(id, value.clone()))
        .with(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET)
        .with(ck::CKA_SIGN, true)
        .with(ck::CKA_VERIFY, true)
}

/// The longest IV in bytes of suites without a MAC of their own.
const AEAD_IV: usize = 12;

/// RFC 5246, section 6.3.
fn key_material(derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, TlsKeyMaterial)?;
    let hash = by_mechanism(params.hash)?;
    if params.export {
        return Err(invalid("TLS: there are no export cipher suites in TLS 1.1 and later"));
    }
    let lens =
        (bytes(params.mac_bits, MAX_MAC)?, bytes(params.key_bits, MAX_KEY)?, bytes(params.iv_bits, MAX_IV)?);
    let (mac, key, iv) = lens;
    // IVs go out in clear: with lengths that no cipher suite has, what is a key to the other side would go out as one.
    let is_a_suite = matches!(key, 16 | 24 | 32) && (mac > 0 || iv <= AEAD_IV);
    if iv != 0 && !is_a_suite {
        return Err(invalid("TLS: no cipher suite has IVs of this length with MAC keys and keys of these"));
    }
    let secret = derivation.base.key.secret()?;
    if secret.len() != SECRET_LEN {
        return Err(no_secret());
    }
    let seed = [&params.randoms.server[..], &params.randoms.client].concat();
    let block = prf(Some(hash), secret, b"key expansion", &seed, 2 * (mac + key + iv))?;
    let (macs, rest) = block.split_at_checked(2 * mac).unwrap_or_default();
    let (keys, ivs) = rest.split_at_checked(2 * key).unwrap_or_default();

    let mut made = Vec::with_capacity(4);
    pair(derivation, &mac_template(derivation), (macs, mac), &params.macs, &mut made)?;
    let template = derivation.template_or(&[
        (ck::CKA_ENCRYPT, true.into()),
        (ck::CKA_DECRYPT, true.into()),
        (ck::CKA_DERIVE, true.into()),
    ]);
    pair(derivation, &template, (keys, key), &params.keys, &mut made)?;
    leave_ivs(params, ivs, iv);
    Ok(made)
}

/// The client's key and the server's, where their length is not 0.
fn pair(
    derivation: &Derivation<'_>,
    template: &Template,
    (values, len): (&[u8], usize),
    places: &[Reply<ck::CK_OBJECT_HANDLE>; 2],
    made: &mut Vec<Derived>,
) -> Result<()> {
    if len == 0 {
        return Ok(());
    }
    for (value, place) in values.chunks_exact(len).zip(places) {
        let value = SecretBytes::copied(value).map_err(|_| ErrorKind::HostMemory)?;
        let object = derivation.secret_by(template, Inherit::Exactly, |_, _| Ok(value))?;
        made.push(Derived { object, handle: Some(place.clone()) });
    }
    Ok(())
}

fn leave_ivs(params: &TlsKeyMaterial, ivs: &[u8], len: usize) {
    if len != 0 {
        ivs.chunks_exact(len).zip(&params.ivs).for_each(|(iv, place)| place.put(SecretBytes::from(iv)));
    }
}

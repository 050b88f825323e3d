//! PKCS#8 under a passphrase: EncryptedPrivateKeyInfo (RFC 5958) with PBES2 (RFC 8018).

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, SliceReader};
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};

use super::{Passphrase, Refused, Result};
use crate::crypto;
use crate::types::SecretBytes;

/// PBKDF2-HMAC-SHA-256's iterations for what is written: OWASP's recommendation of 2023.
pub(super) const ITERATIONS: u32 = 600_000;

/// What a file may cost to open: a hostile one shall not stop the tool for hours or take the machine's memory.
const MAX_ITERATIONS: u32 = 10_000_000;
const MAX_SCRYPT_BYTES: u64 = 1 << 30;
const MAX_SCRYPT_PARALLEL: u16 = 64;

/// Schemes of PKCS#5 v1.5 and PKCS#12 that old files have, which nothing here decrypts.
const OLD: &[(&str, &str)] = &[
    ("1.2.840.113549.1.5.1", "PBE-MD2-DES"),
    ("1.2.840.113549.1.5.3", "PBE-MD5-DES"),
    ("1.2.840.113549.1.5.4", "PBE-MD2-RC2-64"),
    ("1.2.840.113549.1.5.6", "PBE-MD5-RC2-64"),
    ("1.2.840.113549.1.5.10", "PBE-SHA1-DES"),
    ("1.2.840.113549.1.5.11", "PBE-SHA1-RC2-64"),
    ("1.2.840.113549.1.12.1.1", "PBE-SHA1-RC4-128"),
    ("1.2.840.113549.1.12.1.3", "PBE-SHA1-3DES"),
    ("1.2.840.113549.1.12.1.6", "PBE-SHA1-RC2-40"),
];

/// The PrivateKeyInfo inside.
pub(super) fn decrypt(der: &[u8], passphrase: &Passphrase<'_>) -> Result<SecretBytes> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|error| match scheme(der) {
        Some(scheme) => unsupported(&scheme),
        None => Refused::Content(format!("the encrypted private key can't be read: {error}")),
    })?;
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(parameters) => check_cost(&parameters.kdf)?,
        other => return Err(unsupported(&other.oid())),
    }
    let key = info.decrypt(&**passphrase.get()?);
    // A wrong passphrase shows as wrong padding, or as a plaintext that is no DER.
    let key = key.map_err(|_| "wrong passphrase, or the file is damaged")?;
    Ok(SecretBytes::from(key.as_bytes()))
}

fn unsupported(scheme: &ObjectIdentifier) -> Refused {
    let oid = scheme.to_string();
    let name = OLD.iter().find(|(known, _)| *known == oid).map_or(oid.as_str(), |(_, name)| name);
    Refused::Content(format!(
        "encrypted with {name}, which is not supported: `openssl pkcs8 -in FILE | openssl pkcs8 -topk8 -out NEW` encrypts it anew"
    ))
}

/// The OID of the encryption scheme, where the rest can't be read.
fn scheme(der: &[u8]) -> Option<ObjectIdentifier> {
    let outer = AnyRef::from_der(der).ok()?;
    let algorithm = AnyRef::decode(&mut SliceReader::new(outer.value()).ok()?).ok()?;
    ObjectIdentifier::decode(&mut SliceReader::new(algorithm.value()).ok()?).ok()
}

fn check_cost(kdf: &pbes2::Kdf) -> Result<()> {
    let bearable = match kdf {
        pbes2::Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ITERATIONS,
        pbes2::Kdf::Scrypt(scrypt) => {
            let bytes = scrypt.cost_parameter.checked_mul(u64::from(scrypt.block_size) * 128);
            bytes.is_some_and(|bytes| bytes <= MAX_SCRYPT_BYTES)
                && scrypt.parallelization <= MAX_SCRYPT_PARALLEL
        }
        _ => false,
    };
    if bearable { Ok(()) } else { Err("its passphrase is stretched beyond all measure: not opened".into()) }
}

/// A PrivateKeyInfo under a passphrase: PBKDF2-HMAC-SHA-256 and AES-256-CBC, which every reader knows.
pub fn encrypt(pkcs8: &[u8], passphrase: &[u8]) -> std::result::Result<SecretBytes, String> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    crypto::random(&mut salt).and_then(|()| crypto::random(&mut iv)).map_err(|error| error.to_string())?;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv);
    let key = PrivateKeyInfoRef::try_from(pkcs8).map_err(|error| format!("PKCS#8: {error}"))?;
    let encrypted = parameters
        .map_err(pkcs8::Error::from)
        .and_then(|parameters| key.encrypt_with_params(parameters, passphrase));
    encrypted.map(|der| SecretBytes::from(der.as_bytes())).map_err(|error| format!("PKCS#8: {error}"))
}

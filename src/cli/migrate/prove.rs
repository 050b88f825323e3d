//! Using keys to see that they are the same: what one signs the other verifies, what one encrypts the other decrypts.
//!
//! It works on the keys themselves and not through C_Sign: a key may be allowed none of this by its attributes, and
//! has to be proven all the same.

use crate::crypto::{DhPrivate, PrivateKey, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::{Descriptor, Key, Params, descriptor};
use crate::types::SecretBytes;
use crate::types::ck;

const MESSAGE: &[u8] = b"keyward migrate: the same key before and after";
const IV: [u8; 16] = [0; 16];

/// Uses `own`, a private or secret key, and `other`, its public half or another copy of the secret.
///
/// CKR_KEY_CHANGED where they do not belong together, or the key does not work at all.
pub fn same_key(own: &Key, other: &Key) -> Result<()> {
    match own {
        Key::Secret { key_type: ck::CKK_AES, .. } => decrypts(own, other),
        Key::Secret { .. } => verifies(ck::CKM_SHA256_HMAC, own, other),
        Key::Private(PrivateKey::Rsa(_)) => verifies(ck::CKM_SHA256_RSA_PKCS, own, other),
        Key::Private(PrivateKey::Ec(_)) => verifies(ck::CKM_ECDSA_SHA256, own, other),
        Key::Private(PrivateKey::Ed25519(_)) => verifies(ck::CKM_EDDSA, own, other),
        Key::Private(PrivateKey::MlDsa(_)) => verifies(ck::CKM_ML_DSA, own, other),
        Key::Private(PrivateKey::Ed448(_)) => verifies(ck::CKM_EDDSA, own, other),
        Key::Private(PrivateKey::Dsa(_)) => verifies(ck::CKM_DSA_SHA256, own, other),
        Key::Private(PrivateKey::SlhDsa(_)) => verifies(ck::CKM_SLH_DSA, own, other),
        Key::Private(PrivateKey::MlKem(_)) => decapsulates(own, other),
        Key::Private(key @ (PrivateKey::X25519(_) | PrivateKey::X448(_) | PrivateKey::Dh(_))) => {
            agrees(key, other)
        }
        Key::Public(_) | Key::Otp(_) => Err(different()),
    }
}

/// The public half of a key pair's key; `None` for a secret key.
pub fn public(key: &Key) -> Option<PublicKey> {
    match key {
        Key::Private(key) => Some(key.public()),
        Key::Public(key) => Some(key.clone()),
        Key::Secret { .. } | Key::Otp(_) => None,
    }
}

fn row(kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
    descriptor(kind).ok_or_else(|| ErrorKind::MechanismInvalid.into())
}

fn different() -> Error {
    Error::new(ErrorKind::KeyChanged, "the key does not work as it should")
}

fn verifies(kind: ck::CK_MECHANISM_TYPE, own: &Key, other: &Key) -> Result<()> {
    let ops = row(kind)?.ops;
    let (Some(sign), Some(verify)) = (ops.sign, ops.verify) else {
        return Err(ErrorKind::MechanismInvalid.into());
    };
    let mut signing = sign(own, &Params::None)?;
    let mut signature = vec![0; signing.output_len()];
    signing.once(MESSAGE, &mut signature)?;
    let verified = verify(other, &Params::None).and_then(|mut verifying| verifying.once(MESSAGE, &signature));
    verified.map_err(|_| different())
}

fn decapsulates(own: &Key, other: &Key) -> Result<()> {
    let ops = row(ck::CKM_ML_KEM)?.ops;
    let (Some(encapsulate), Some(decapsulate)) = (ops.encapsulate, ops.decapsulate) else {
        return Err(ErrorKind::MechanismInvalid.into());
    };
    let encapsulation = encapsulate(other, &Params::None)?;
    let mut ciphertext = vec![0; encapsulation.ciphertext_len()];
    let secret = encapsulation.run(None, &mut ciphertext)?;
    let found = decapsulate(own, &Params::None, &ciphertext, None).map_err(|_| different())?;
    if found == secret { Ok(()) } else { Err(different()) }
}

fn decrypts(own: &Key, other: &Key) -> Result<()> {
    let ops = row(ck::CKM_AES_CBC_PAD)?.ops;
    let (Some(encrypt), Some(decrypt)) = (ops.encrypt, ops.decrypt) else {
        return Err(ErrorKind::MechanismInvalid.into());
    };
    let params = Params::Iv(IV.into());
    let mut encrypting = encrypt(own, &params)?;
    let mut sealed = vec![0; encrypting.once_len(MESSAGE.len())];
    let len = encrypting.once(MESSAGE, &mut sealed)?;
    sealed.truncate(len);
    let mut decrypting = decrypt(other, &params)?;
    let mut opened = vec![0; decrypting.once_len(sealed.len())];
    let len = decrypting.once(&sealed, &mut opened).map_err(|_| different())?;
    match opened.get(..len) {
        Some(MESSAGE) => Ok(()),
        _ => Err(different()),
    }
}

/// Both halves agree on the same secret with a third party.
fn agrees(own: &PrivateKey, other: &Key) -> Result<()> {
    let other = public(other).ok_or_else(different)?;
    let third = match own.public() {
        PublicKey::Dh(key) => DhPrivate::generate(key.group(), None).map(PrivateKey::Dh),
        key => PrivateKey::generate_okp(key.as_okp().ok_or_else(different)?.0),
    };
    let third = third.map_err(|_| different())?;
    match crate::crypto::equal(&agreed(own, &third.public())?, &agreed(&third, &other)?) {
        true => Ok(()),
        false => Err(different()),
    }
}

fn agreed(own: &PrivateKey, peer: &PublicKey) -> Result<SecretBytes> {
    match (own, peer) {
        (PrivateKey::X25519(own), PublicKey::X25519(peer)) => own.agree(peer.bytes()),
        (PrivateKey::X448(own), PublicKey::X448(peer)) => own.agree(peer.bytes()),
        (PrivateKey::Dh(own), PublicKey::Dh(peer)) => own.agree_with(peer),
        _ => return Err(different()),
    }
    .map_err(|_| different())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{
        Curve, DhGroup, DsaGroup, DsaPrivate, EcPrivate, MlDsaPrivate, MlDsaSet, MlKemPrivate, MlKemSet,
        OkpCurve, RsaPrivate,
    };
    use crate::types::SecretBytes;

    fn pairs() -> Vec<PrivateKey> {
        vec![
            PrivateKey::Rsa(RsaPrivate::generate(2048, &[1, 0, 1]).unwrap()),
            PrivateKey::Ec(EcPrivate::generate(Curve::P384).unwrap()),
            PrivateKey::generate_okp(OkpCurve::Ed25519).unwrap(),
            PrivateKey::generate_okp(OkpCurve::X25519).unwrap(),
            PrivateKey::generate_okp(OkpCurve::Ed448).unwrap(),
            PrivateKey::generate_okp(OkpCurve::X448).unwrap(),
            PrivateKey::Dh(DhPrivate::generate(&DhGroup::of_size(2048).unwrap(), None).unwrap()),
            PrivateKey::Dsa(DsaPrivate::generate(&DsaGroup::generate(1024, 160).unwrap()).unwrap()),
            PrivateKey::MlDsa(MlDsaPrivate::generate(MlDsaSet::MlDsa44).unwrap()),
            PrivateKey::MlKem(MlKemPrivate::generate(MlKemSet::MlKem512).unwrap()),
        ]
    }

    #[test]
    fn a_pair_proves_itself_and_no_other() {
        let (some, others) = (pairs(), pairs());
        for (own, other) in some.iter().zip(&others) {
            let (key, half) = (Key::Private(own.clone()), Key::Public(own.public()));
            assert!(same_key(&key, &half).is_ok(), "{key:?}");
            let foreign = same_key(&key, &Key::Public(other.public())).unwrap_err();
            assert_eq!(foreign.kind(), ErrorKind::KeyChanged, "{key:?}");
            assert!(same_key(&half, &half).is_err());
        }
    }

    #[test]
    fn a_secret_proves_itself_and_no_other() {
        for key_type in [ck::CKK_AES, ck::CKK_GENERIC_SECRET, ck::CKK_SHA512_HMAC] {
            let key = |byte| Key::Secret { key_type, value: SecretBytes::from(vec![byte; 16]).into() };
            assert!(same_key(&key(1), &key(1)).is_ok());
            assert!(same_key(&key(1), &key(2)).is_err());
        }
    }
}

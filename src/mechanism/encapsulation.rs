//! Key encapsulation with mechanisms that are not made for it alone: RSA encryption of a fresh secret, and ECDH with a
//! fresh key pair (PKCS#11 v3.2, section 6 "RSA" and "Elliptic Curve Diffie-Hellman key derivation").

use crate::crypto::{self, EcPrivate, OkpCurve, PrivateKey, PublicKey, RsaPublic};
use crate::error::{Error, ErrorKind, Result};
use crate::types::SecretBytes;

use super::derive;
use super::errors;
use super::key::{Key, wrong_type};
use super::material::{point_lens, raw_point};
use super::op::Encapsulation;
use super::params::Params;
use super::shapes::{Transform, zeroed};

/// A secret of one length: a template may name that length and no other. CKR_TEMPLATE_INCONSISTENT.
pub(super) fn exact_len(wanted: Option<usize>, len: usize) -> Result<()> {
    match wanted {
        Some(wanted) if wanted != len => Err(Error::new(
            ErrorKind::TemplateInconsistent,
            "CKA_VALUE_LEN is not the length of this mechanism's shared secret",
        )),
        _ => Ok(()),
    }
}

fn random(secret: &mut [u8]) -> Result<()> {
    crypto::random(secret).map_err(errors::data)
}

/// A random secret of the template's length, encrypted.
pub(super) struct Encrypting<T>(pub(super) T);

impl<T: Transform> Encapsulation for Encrypting<T> {
    fn ciphertext_len(&self) -> usize {
        // Of RSA encryption the bound is the modulus, whatever the input.
        self.0.bound(0)
    }

    fn run(&self, wanted: Option<usize>, ciphertext: &mut [u8]) -> Result<SecretBytes> {
        let wanted = wanted.ok_or_else(|| {
            Error::new(
                ErrorKind::TemplateIncomplete,
                "CKA_VALUE_LEN is missing: the mechanism makes a secret of any length",
            )
        })?;
        if wanted > self.0.bound(0) {
            return Err(Error::new(
                ErrorKind::KeySizeRange,
                "CKA_VALUE_LEN is more than the public key can take",
            ));
        }
        let mut secret = zeroed(wanted)?;
        random(&mut secret)?;
        self.0.run(&secret, ciphertext).map_err(errors::wrap)?;
        Ok(secret)
    }
}

/// RSASVE of SP 800-56B, section 7.2.1.2: a random number below the modulus is the secret, and its power the
/// ciphertext.
pub(super) struct Rsasve(pub(super) RsaPublic);

impl Encapsulation for Rsasve {
    fn ciphertext_len(&self) -> usize {
        self.0.len()
    }

    fn run(&self, wanted: Option<usize>, ciphertext: &mut [u8]) -> Result<SecretBytes> {
        exact_len(wanted, self.0.len())?;
        let secret = below(&self.0.n())?;
        self.0.raw(&secret, ciphertext).map_err(errors::data)?;
        Ok(secret)
    }
}

/// A random number between 1 and n - 1 for an odd n, both excluded, as long as n: tries of n's bits until one fits,
/// which every second does at least.
fn below(n: &[u8]) -> Result<SecretBytes> {
    let mut number = zeroed(n.len())?;
    let unused = n.first().copied().unwrap_or_default().leading_zeros();
    loop {
        random(&mut number)?;
        if let Some(first) = number.first_mut() {
            *first &= u8::MAX.checked_shr(unused).unwrap_or_default();
        }
        let (last, rest) = number.split_last().unwrap_or((&0, &[]));
        let above_one = *last > 1 || rest.iter().any(|byte| *byte != 0);
        // Bytes of one length compare as the numbers do; n - 1 differs from n in its last bit alone.
        let below_last = number[..] < *n
            && !(rest == n.get(..rest.len()).unwrap_or_default() && n.last() == Some(&(last | 1)));
        if above_one && below_last {
            return Ok(number);
        }
    }
}

/// ECDH's parameter says how the agreement becomes a key; the other party's value is the ciphertext, so none is given.
fn expect_no_public(params: &Params) -> Result<()> {
    match params {
        Params::Ecdh { public, .. } if public.is_empty() => Ok(()),
        Params::Ecdh { .. } => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "pPublicData must be null for an encapsulation: the public value is the ciphertext",
        )),
        _ => Err(errors::wrong_param()),
    }
}

/// ECDH between the public key and a fresh one, whose public value is the ciphertext.
struct Ephemeral {
    peer: PublicKey,
    params: Params,
}

/// C_EncapsulateKey with CKM_ECDH1_DERIVE.
pub(super) fn encapsulate(key: &Key, params: &Params) -> Result<Box<dyn Encapsulation>> {
    expect_no_public(params)?;
    match key {
        Key::Public(peer @ (PublicKey::Ec(_) | PublicKey::X25519(_) | PublicKey::X448(_))) => {
            Ok(Box::new(Ephemeral { peer: peer.clone(), params: params.clone() }))
        }
        _ => Err(wrong_type()),
    }
}

impl Encapsulation for Ephemeral {
    fn ciphertext_len(&self) -> usize {
        match &self.peer {
            PublicKey::Ec(peer) => 1 + 2 * peer.curve().field_len(),
            PublicKey::X448(_) => OkpCurve::X448.key_len(),
            _ => OkpCurve::X25519.key_len(),
        }
    }

    fn run(&self, wanted: Option<usize>, ciphertext: &mut [u8]) -> Result<SecretBytes> {
        let (own, sent, peer) = match (&self.peer, self.peer.as_okp()) {
            (PublicKey::Ec(peer), _) => {
                let own = EcPrivate::generate(peer.curve()).map_err(errors::data)?;
                let sent = own.public().point();
                (PrivateKey::Ec(own), sent, peer.point())
            }
            (_, Some((curve, peer))) => {
                let own = PrivateKey::generate_okp(curve).map_err(errors::data)?;
                let sent = own.public().as_okp().map(|(_, sent)| sent.to_vec()).unwrap_or_default();
                (own, sent, peer.to_vec())
            }
            _ => return Err(wrong_type()),
        };
        let secret = derive::with(&self.params, wanted, |_| derive::agree(&Key::Private(own), &peer))?;
        super::shapes::put(&sent, ciphertext)?;
        Ok(secret)
    }
}

/// C_DecapsulateKey with CKM_ECDH1_DERIVE. CKR_WRAPPED_KEY_LEN_RANGE and CKR_WRAPPED_KEY_INVALID for a ciphertext that
/// is no public value of the key's curve.
pub(super) fn decapsulate(
    key: &Key,
    params: &Params,
    ciphertext: &[u8],
    wanted: Option<usize>,
) -> Result<SecretBytes> {
    expect_no_public(params)?;
    let lens = match key {
        Key::Private(PrivateKey::Ec(key)) => point_lens(key.curve()),
        Key::Private(PrivateKey::X25519(_)) => [OkpCurve::X25519.key_len(); 2],
        Key::Private(PrivateKey::X448(_)) => [OkpCurve::X448.key_len(); 2],
        _ => return Err(errors::decapsulate(wrong_type())),
    };
    let sent = raw_point(ciphertext, &lens).ok_or_else(|| {
        Error::new(
            ErrorKind::WrappedKeyLenRange,
            "the ciphertext has not the length of a public value of the key's curve",
        )
    })?;
    derive::with(params, wanted, |_| derive::agree(key, sent)).map_err(errors::decapsulate)
}

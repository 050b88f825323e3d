//! RSA keys by the `rsa` crate, whose private operations blind base, exponents and primes, and are checked against the
//! public exponent. Padding is `padding`'s: the crate knows hashes as types only.

use super::bn::Bn;
use super::padding::{self, Mgf};
use super::{Error, Hash, Result, buffer, right_aligned};
use getrandom::SysRng;
use rsa::hazmat::{rsa_decrypt_and_check, rsa_encrypt};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey, PublicKey};
use std::cmp::Ordering;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An RSA key, public or private, immutable once made. Cloning shares it.
#[derive(Clone)]
pub(in crate::crypto::rustcrypto) struct Rsa(Arc<Key>);

struct Key {
    public: PublicKey,
    private: Option<PrivateKey>,
}

/// The parts of a private key beside n and e.
pub(in crate::crypto::rustcrypto) struct CrtParts {
    pub(in crate::crypto::rustcrypto) d: Bn,
    pub(in crate::crypto::rustcrypto) p: Bn,
    pub(in crate::crypto::rustcrypto) q: Bn,
    pub(in crate::crypto::rustcrypto) dp: Bn,
    pub(in crate::crypto::rustcrypto) dq: Bn,
    pub(in crate::crypto::rustcrypto) qi: Bn,
}

/// A number of a key.
#[derive(Clone, Copy)]
pub(in crate::crypto::rustcrypto) enum Part {
    N,
    E,
    D,
    P,
    Q,
    Dp,
    Dq,
    Qi,
}

/// Public exponents above this many bits need the crate's explicit consent.
const LARGE_E_BITS: usize = 33;

const BAD_PUBLIC: Error = Error::Key("RSA: modulus or public exponent is even, too small or too large");
const BAD_PRIVATE: Error = Error::Key("RSA: the components do not belong together");
const NO_KEY: Error = Error::Param("RSA: no key could be generated for this public exponent");
const OPERATION: Error = Error::Internal("RSA private operation");

/// A number in no more words than it needs: the crate takes n's length from them.
fn trimmed(number: &Bn) -> Result<BoxedUint> {
    number.sized(u32::try_from(number.bits().max(1)).map_err(|_| BAD_PUBLIC)?)
}

impl Rsa {
    /// A public key.
    pub(in crate::crypto::rustcrypto) fn public(n: &Bn, e: &Bn) -> Result<Rsa> {
        if !n.is_odd() || !e.is_odd() || e.is_one() || e.cmp(n) != Ordering::Less {
            return Err(BAD_PUBLIC);
        }
        let public = PublicKey::new_unchecked(trimmed(n)?, trimmed(e)?);
        Ok(Rsa(Arc::new(Key { public, private: None })))
    }

    /// A private key, whose numbers must all belong together.
    pub(in crate::crypto::rustcrypto) fn private(n: &Bn, e: &Bn, parts: &CrtParts) -> Result<Rsa> {
        let public = Rsa::public(n, e).map_err(|_| BAD_PRIVATE)?.0.public.clone();
        let large = e.bits() > LARGE_E_BITS;
        // Primes of unequal length, which nobody generates, make slower keys.
        let unequal = [&parts.p, &parts.q].iter().any(|prime| prime.bits() > n.bits().div_ceil(2));
        let make = match (large, unequal) {
            (false, false) => PrivateKey::from_components,
            (true, false) => PrivateKey::from_components_with_large_exponent,
            (false, true) => PrivateKey::from_components_with_wide_primes,
            (true, true) => return Err(BAD_PRIVATE),
        };
        let primes = vec![trimmed(&parts.p)?, trimmed(&parts.q)?];
        let private = make(trimmed(n)?, trimmed(e)?, trimmed(&parts.d)?, primes).map_err(|_| BAD_PRIVATE)?;
        let rsa = Rsa(Arc::new(Key { public, private: Some(private) }));
        for (part, given) in [(Part::Dp, &parts.dp), (Part::Dq, &parts.dq), (Part::Qi, &parts.qi)] {
            let own = rsa.part(part)?.map(Zeroizing::new).ok_or(BAD_PRIVATE)?;
            if Bn::from_bytes(&own)?.cmp(given) != Ordering::Equal {
                return Err(BAD_PRIVATE);
            }
        }
        Ok(rsa)
    }

    /// A random key of `bits`, a multiple of 128.
    pub(in crate::crypto::rustcrypto) fn generate(bits: usize, e: &Bn) -> Result<Rsa> {
        let made = PrivateKey::new_with_exp_unchecked(&mut SysRng, bits, trimmed(e)?).map_err(|_| NO_KEY)?;
        let prime = |at: usize| {
            let prime = made.primes().get(at).ok_or(NO_KEY)?;
            Ok::<_, Error>(Bn::own(prime.as_ref().clone()))
        };
        let (p, q) = (prime(0)?, prime(1)?);
        let (p, q) = if p.cmp(&q) == Ordering::Less { (q, p) } else { (p, q) };
        let (p1, q1) = (p.minus_one()?, q.minus_one()?);
        // FIPS 186-5 wants d below the least common multiple.
        let multiple = p1.times(&q1)?.div_rem(&p1.gcd(&q1)?)?.0;
        let d = e.inverse(&multiple)?;
        let (dp, dq) = (d.div_rem(&p1)?.1, d.div_rem(&q1)?.1);
        let qi = q.inverse(&p)?;
        Rsa::private(&p.times(&q)?, e, &CrtParts { d, p, q, dp, dq, qi })
    }

    /// Size of the modulus in bits.
    pub(in crate::crypto::rustcrypto) fn bits(&self) -> usize {
        self.0.public.n().bit_width_vartime() as usize
    }

    /// Length of the modulus in bytes.
    pub(super) fn len(&self) -> usize {
        self.bits().div_ceil(8)
    }

    /// A number of the key as big-endian bytes; `None` if the key lacks it.
    pub(in crate::crypto::rustcrypto) fn part(&self, part: Part) -> Result<Option<Vec<u8>>> {
        let (public, private) = (&self.0.public, self.0.private.as_ref());
        let prime =
            |at: usize| private.and_then(|key| key.primes().get(at)).map(|prime| prime.as_ref().clone());
        let number = match part {
            Part::N => Some(public.n().as_ref().clone()),
            Part::E => Some(public.e().clone()),
            Part::D => private.map(|key| key.d().clone()),
            Part::P => prime(0),
            Part::Q => prime(1),
            Part::Dp => private.and_then(|key| key.dp().cloned()),
            Part::Dq => private.and_then(|key| key.dq().cloned()),
            Part::Qi => private.and_then(|key| key.qinv()).map(|number| number.retrieve()),
        };
        number.map(|number| Bn::own(number).to_bytes()).transpose()
    }

    /// A block as a number, in as many words as the modulus; `None` from the modulus on.
    fn number(&self, block: &[u8]) -> Result<Option<Zeroizing<BoxedUint>>> {
        let n = self.0.public.n();
        let number = Zeroizing::new(Bn::from_bytes(block)?.sized(n.bits_precision())?);
        Ok((*number < **n).then_some(number))
    }

    /// block ^ e mod n into `out`, as long as the modulus; `otherwise` for a block from n on.
    pub(super) fn public_power(&self, block: &[u8], out: &mut [u8], otherwise: Error) -> Result<()> {
        let number = self.number(block)?.ok_or(otherwise)?;
        let power = rsa_encrypt(&self.0.public, &number).map_err(|_| otherwise)?;
        right_aligned(&power.to_be_bytes(), out)
    }

    /// block ^ d mod n into `out`, as long as the modulus; `otherwise` for a block from n on.
    pub(super) fn private_power(&self, block: &[u8], out: &mut [u8], otherwise: Error) -> Result<()> {
        let number = self.number(block)?.ok_or(otherwise)?;
        let private = self.0.private.as_ref().ok_or(OPERATION)?;
        let power = rsa_decrypt_and_check(private, Some(&mut SysRng), &number).map_err(|_| OPERATION)?;
        let power = Zeroizing::new(power);
        right_aligned(&Zeroizing::new(power.to_be_bytes()), out)
    }

    /// x^d mod n after padding of type 1 (`pkcs1`) or of a block as long as the modulus.
    pub(in crate::crypto::rustcrypto) fn sign(&self, pkcs1: bool, data: &[u8], out: &mut [u8]) -> Result<()> {
        match pkcs1 {
            true => self.private_power(&padding::signed(data, self.len())?, out, OPERATION),
            false => self.private_power(data, out, OPERATION),
        }
    }

    /// s^e mod n; with `pkcs1`, checks padding of type 1 and strips it. Returns how much of `out` (as long as the
    /// modulus) holds the result. Every failure is [`Error::Signature`].
    pub(in crate::crypto::rustcrypto) fn recover(
        &self,
        pkcs1: bool,
        signature: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        self.public_power(signature, out, Error::Signature)?;
        match pkcs1 {
            true => padding::strip_signed(out),
            false => Ok(out.len()),
        }
    }

    /// x^e mod n after padding of type 2 (`pkcs1`) or of a block as long as the modulus.
    pub(in crate::crypto::rustcrypto) fn encrypt(
        &self,
        pkcs1: bool,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        match pkcs1 {
            true => self.public_power(&padding::encrypted(data, self.len())?, out, Error::Data),
            false => self.public_power(data, out, Error::Data),
        }
    }

    /// Strips padding of type 2 from c^d mod n. Returns how much of `out` (as long as the modulus) holds the
    /// plaintext. Every failure is [`Error::Ciphertext`].
    pub(in crate::crypto::rustcrypto) fn decrypt(&self, ciphertext: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut block = Zeroizing::new(buffer(self.len())?);
        self.private_power(ciphertext, &mut block, Error::Ciphertext)?;
        padding::strip_encrypted(&block, out)
    }

    /// RSASSA-PSS; `digest` has the length of `hash`.
    pub(in crate::crypto::rustcrypto) fn sign_pss(
        &self,
        digest: &[u8],
        hash: Hash,
        mgf: Hash,
        salt_len: usize,
        out: &mut [u8],
    ) -> Result<()> {
        let block = padding::pss(Mgf::new(hash, mgf)?, digest, salt_len, self.bits())?;
        self.private_power(&block, out, OPERATION)
    }

    /// RSASSA-PSS; every failure is [`Error::Signature`], but for a hash that padding is not made of ([`Error::Param`]).
    pub(in crate::crypto::rustcrypto) fn verify_pss(
        &self,
        digest: &[u8],
        hash: Hash,
        mgf: Hash,
        salt_len: usize,
        signature: &[u8],
    ) -> Result<()> {
        let mgf = Mgf::new(hash, mgf)?;
        let mut block = buffer(self.len())?;
        self.public_power(signature, &mut block, Error::Signature)?;
        padding::check_pss(mgf, digest, salt_len, self.bits(), &block)
    }
}

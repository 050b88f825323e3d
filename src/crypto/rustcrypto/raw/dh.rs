//! Diffie-Hellman in a prime field over big numbers in Montgomery form, and the primes that RFC 7919 and RFC 3526 name.

use super::bn::{Bn, monty, params};
use super::dh_digits::{E, PI};
use super::{Error, Result};
use crypto_bigint::modular::BoxedMontyParams;
use crypto_bigint::{BoxedUint, RandomBits};
use crypto_primes::hazmat::SmallFactorsSieve;
use crypto_primes::{Flavor, is_prime};
use getrandom::SysRng;
use std::cmp::Ordering;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const FAILED: Error = Error::Internal("Diffie-Hellman");
const BAD_PEER: Error = Error::Key("Diffie-Hellman: the peer's public value is not one of this group");

/// A group, with a private key or without one; immutable once made.
pub(in crate::crypto::rustcrypto) struct Dh {
    p: Bn,
    q: Option<Bn>,
    g: Bn,
    mod_p: BoxedMontyParams,
    x: Option<Bn>,
}

impl Dh {
    /// A group of prime, order of the base (where it is known) and base.
    pub(in crate::crypto::rustcrypto) fn group(p: &Bn, q: Option<&Bn>, g: &Bn) -> Result<Dh> {
        Ok(Dh { p: p.copy(), q: q.map(Bn::copy), g: g.copy(), mod_p: params(p)?, x: None })
    }

    /// The group with a private value and the public value that belongs to it.
    pub(in crate::crypto::rustcrypto) fn with_key(mut self, _: &Bn, x: &Bn) -> Result<Dh> {
        self.x = Some(x.copy());
        Ok(self)
    }

    /// A random key pair of the group: the public and the private value, the latter of at most so many bits, or below
    /// half of p.
    pub(in crate::crypto::rustcrypto) fn generate(self, bits: Option<usize>) -> Result<(Bn, Bn)> {
        let half = self.p.shifted(1)?;
        let limit = match bits.filter(|bits| *bits < self.p.bits() - 1) {
            Some(bits) => power_of_two(bits)?,
            None => half,
        };
        let x = Bn::random_below(&limit)?;
        let y = monty(&self.g, &self.mod_p).pow(x.uint()).retrieve();
        Ok((Bn::own(y), x))
    }

    /// Whether p is prime and, where the order of the base is given, that is one, too, and the base's. Long work for
    /// a group that no RFC names.
    pub(in crate::crypto::rustcrypto) fn is_sound(&self) -> Result<bool> {
        let is_two = self.g.cmp(&Bn::from_u64(2)?) == Ordering::Equal;
        if is_two && is_known(&self.p)? {
            return match &self.q {
                Some(q) => Ok(q.cmp(&self.p.shifted(1)?) == Ordering::Equal),
                None => Ok(true),
            };
        }
        let Some(q) = &self.q else { return self.p.is_prime() };
        Ok(self.g.power(q, &self.p)?.is_one()
            && self.p.div_rem(q)?.1.is_one()
            && self.p.is_prime()?
            && q.is_prime()?)
    }

    /// A group of a fresh safe prime with the base 2: p and g. It may take minutes.
    pub(in crate::crypto::rustcrypto) fn parameters(bits: usize) -> Result<(Bn, Bn)> {
        let bits = u32::try_from(bits).ok().and_then(NonZeroU32::new).ok_or(FAILED)?;
        loop {
            let mut start = BoxedUint::try_random_bits(&mut SysRng, bits.get()).map_err(|_| Error::Random)?;
            // The highest bits, so that the prime has its size wherever it is found.
            for bit in [bits.get() - 1, bits.get() - 2] {
                start |= BoxedUint::one_with_precision(bits.get()).shl(bit);
            }
            let sieve = SmallFactorsSieve::new(start, bits, true).map_err(|_| FAILED)?;
            // 2 is a square, and so of the subgroup of prime order, where p is 7 modulo 8.
            let is_good = |p: &BoxedUint| p.bit_vartime(1) && p.bit_vartime(2) && is_prime(Flavor::Safe, p);
            if let Some(p) = sieve.into_iter().find(is_good) {
                return Ok((Bn::own(p), Bn::from_u64(2)?));
            }
        }
    }

    /// The value shared with a peer's, into `out`, which is as long as p. [`Error::Key`] for a peer that is not
    /// between 1 and p - 1 or outside the base's subgroup, and for a shared value that is 1 or p - 1.
    pub(in crate::crypto::rustcrypto) fn agree(&self, peer: &Bn, out: &mut [u8]) -> Result<()> {
        let last = self.p.minus_one()?;
        let is_between = |number: &Bn| number.bits() > 1 && number.cmp(&last) == Ordering::Less;
        if !is_between(peer) {
            return Err(BAD_PEER);
        }
        let peer = monty(peer, &self.mod_p);
        if let Some(q) = &self.q
            && !Bn::own(peer.pow(q.uint()).retrieve()).is_one()
        {
            return Err(BAD_PEER);
        }
        let x = self.x.as_ref().ok_or(FAILED)?;
        let shared = Bn::own(Zeroizing::new(peer.pow(x.uint())).retrieve());
        if !is_between(&shared) {
            return Err(BAD_PEER);
        }
        shared.to_padded(out)
    }
}

fn power_of_two(exponent: usize) -> Result<Bn> {
    let exponent = u32::try_from(exponent).map_err(|_| FAILED)?;
    Ok(Bn::own(BoxedUint::one_with_precision(exponent.checked_add(1).ok_or(FAILED)?).shl(exponent)))
}

/// What RFC 7919 and RFC 3526 add to the digits of e and of pi, so that a safe prime comes of it, by the prime's bits.
const OF_E: &[(usize, u64)] =
    &[(2048, 560_316), (3072, 2_625_351), (4096, 5_736_041), (6144, 15_705_020), (8192, 10_965_728)];
const OF_PI: &[(usize, u64)] = &[
    (1536, 741_804),
    (2048, 124_476),
    (3072, 1_690_314),
    (4096, 240_904),
    (6144, 929_484),
    (8192, 4_743_158),
];
/// How many bits the digits have.
const DIGITS: usize = 8192 - 128;

/// 2^b - 2^(b - 64) + (floor(2^(b - 130) * digits) + addend) * 2^64 - 1.
fn prime(bits: usize, digits: &str, addends: &[(usize, u64)]) -> Result<Option<Bn>> {
    let Some((_, addend)) = addends.iter().find(|(of, _)| *of == bits) else { return Ok(None) };
    let width = u32::try_from(bits).map_err(|_| FAILED)?;
    let excess = u32::try_from(DIGITS + 128 - bits).map_err(|_| FAILED)?;
    let digits = BoxedUint::from_str_radix_with_precision_vartime(digits, 16, 8192).map_err(|_| FAILED)?;
    // The last 64 bits are ones: what is taken from the addend is what they lack.
    let middle = digits.unbounded_shr(excess).wrapping_add(BoxedUint::from(*addend - 1)).unbounded_shl(64);
    let middle = Bn::own(middle).sized(width)?;
    let ones = BoxedUint::max(64);
    let ends = Bn::own(ones.clone()).sized(width)?.shl(width - 64).wrapping_add(&ones);
    Ok(Some(Bn::own(middle.wrapping_add(&ends))))
}

/// Whether an RFC names the prime, so that nobody has to test it.
fn is_known(p: &Bn) -> Result<bool> {
    let named = [prime(p.bits(), E, OF_E)?, prime(p.bits(), PI, OF_PI)?];
    Ok(named.iter().flatten().any(|named| named.cmp(p) == Ordering::Equal))
}

/// Prime and base of the standard group of a prime of so many bits. `None` where there is none.
pub(in crate::crypto::rustcrypto) fn named_group(bits: usize) -> Result<Option<(Bn, Bn)>> {
    let named = match bits {
        // As the other provider has it, which lacks RFC 7919's group of this size.
        6144 => prime(bits, PI, OF_PI)?,
        _ => prime(bits, E, OF_E)?,
    };
    named.map(|p| Ok((p, Bn::from_u64(2)?))).transpose()
}

/// The prime of RFC 3526's group of this size, from 2048 bits on, whose generator is 2.
pub(in crate::crypto::rustcrypto) fn modp_prime(bits: usize) -> Result<Option<Bn>> {
    if bits < 2048 { Ok(None) } else { prime(bits, PI, OF_PI) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::DhGroup;

    /// Where both providers are built, it is the other one that knows the group by its prime.
    #[test]
    fn primes_of_rfc_3526() {
        for (bits, _) in OF_PI.iter().skip(1) {
            let p = modp_prime(*bits).unwrap().unwrap().to_bytes().unwrap();
            assert_eq!(p.len() * 8, *bits);
            assert_eq!(DhGroup::new(&p, &[2]).unwrap().is_named(), Ok(true), "{bits}");
        }
        let p = prime(1536, PI, OF_PI).unwrap().unwrap();
        assert!(p.is_prime().unwrap() && p.shifted(1).unwrap().is_prime().unwrap());
    }
}

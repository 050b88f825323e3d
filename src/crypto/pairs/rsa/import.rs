//! From whatever components a caller has to a complete, validated key.

use super::super::super::{Error, Result, RsaComponents};
use super::super::raw::{Bn, CrtParts, Rsa};
use super::{MAX_BITS, MIN_BITS, SIZE};
use std::cmp::Ordering;

const INCONSISTENT: Error = Error::Key("RSA: the components do not belong together");
const NO_EXPONENT: Error = Error::Key("RSA: the public exponent is missing and not one of the usual ones");
const GENERATOR_EXPONENT: Error = Error::Param("RSA: the public exponent is odd, from 3 to 2^32 - 1");

/// How many bases the factoring tries; a random one fails with probability 1/2 at most.
const FACTOR_TRIES: usize = 128;

/// A number, bounded before any memory is spent on it: `None` above `max_bits`.
fn number(bytes: &[u8], max_bits: usize) -> Result<Option<Bn>> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    if bytes.len() > max_bits.div_ceil(8) {
        return Ok(None);
    }
    let number = Bn::from_bytes(bytes)?;
    Ok((number.bits() <= max_bits).then_some(number))
}

/// A modulus of a permitted size.
pub(super) fn modulus(n: &[u8]) -> Result<Bn> {
    let n = number(n, MAX_BITS)?.filter(|n| n.bits() >= MIN_BITS).ok_or(SIZE)?;
    if n.is_odd() { Ok(n) } else { Err(Error::Key("RSA: the modulus is even")) }
}

/// Another number of the key, not longer than the modulus and not zero.
pub(super) fn bounded(bytes: &[u8], bits: usize) -> Result<Bn> {
    number(bytes, bits)?
        .filter(|n| n.bits() > 0)
        .ok_or(Error::Key("RSA: a component is zero or longer than the modulus"))
}

/// A public exponent that keys are generated for.
pub(super) fn generator_exponent(e: &[u8]) -> Result<Bn> {
    let e = number(e, 32)?.ok_or(GENERATOR_EXPONENT)?;
    if e.is_odd() && !e.is_one() { Ok(e) } else { Err(GENERATOR_EXPONENT) }
}

/// A complete private key.
pub(super) fn private(parts: &RsaComponents) -> Result<Rsa> {
    let n = modulus(&parts.n)?;
    let optional =
        |bytes: Option<&[u8]>| bytes.filter(|b| !b.is_empty()).map(|b| bounded(b, n.bits())).transpose();
    let d = bounded(&parts.d, n.bits())?;
    // RFC 8017, section 3.2. A longer one would work, with one provider and not with the other.
    if d.cmp(&n) != Ordering::Less {
        return Err(Error::Key("RSA: the private exponent is not below the modulus"));
    }
    let e = optional(parts.e.as_deref())?;
    let (p, q) = (optional(parts.p.as_deref())?, optional(parts.q.as_deref())?);
    let (dp, dq, qi) =
        (optional(parts.dp.as_deref())?, optional(parts.dq.as_deref())?, optional(parts.qi.as_deref())?);

    let primes = both_primes(&n, p, q)?;
    let e = match (e, &primes) {
        (Some(e), _) => e,
        (None, Some((p, q))) => exponent_from_primes(&d, p, q)?,
        (None, None) => usual_exponent(&n, &d)?,
    };
    let (p, q) = match primes {
        Some(primes) => primes,
        None => factor(&n, &e, &d)?,
    };
    let given = |part: Option<Bn>, compute: &dyn Fn() -> Result<Bn>| part.map_or_else(compute, Ok);
    let dp = given(dp, &|| Ok(d.div_rem(&p.minus_one()?)?.1))?;
    let dq = given(dq, &|| Ok(d.div_rem(&q.minus_one()?)?.1))?;
    let qi = given(qi, &|| q.div_rem(&p)?.1.inverse(&p))?;
    Rsa::private(&n, &e, &CrtParts { d, p, q, dp, dq, qi })
}

/// Both primes if at least one was given: the other one is n divided by it.
fn both_primes(n: &Bn, p: Option<Bn>, q: Option<Bn>) -> Result<Option<(Bn, Bn)>> {
    let (p, q) = match (p, q) {
        (None, None) => return Ok(None),
        (Some(p), Some(q)) => (p, q),
        (Some(p), None) => {
            let q = n.div_rem(&p)?.0;
            (p, q)
        }
        (None, Some(q)) => (n.div_rem(&q)?.0, q),
    };
    // Below, p - 1 and q - 1 divide, and both are moduli: refuse what would not be a prime anyway.
    if !p.is_odd() || !q.is_odd() || p.is_one() || q.is_one() || p.times(&q)?.cmp(n) != Ordering::Equal {
        return Err(INCONSISTENT);
    }
    Ok(Some((p, q)))
}

/// e, the inverse of d modulo (p-1)(q-1) / gcd(p-1, q-1).
fn exponent_from_primes(d: &Bn, p: &Bn, q: &Bn) -> Result<Bn> {
    let (p1, q1) = (p.minus_one()?, q.minus_one()?);
    let totient = p1.times(&q1)?.div_rem(&p1.gcd(&q1)?)?.0;
    d.div_rem(&totient)?.1.inverse(&totient)
}

/// e by trial: 2^(e * d) = 2 mod n holds for the right one.
fn usual_exponent(n: &Bn, d: &Bn) -> Result<Bn> {
    let two = Bn::from_u64(2)?;
    let power = two.power(d, n)?;
    for e in [65537, 3, 17, 5, 7, 257] {
        let e = Bn::from_u64(e)?;
        if power.power(&e, n)?.cmp(&two) == Ordering::Equal {
            return Ok(e);
        }
    }
    Err(NO_EXPONENT)
}

/// The primes of n, larger one first, from a multiple of the group's exponent (Miller's factoring; SP 800-56B,
/// appendix C). [`Error::Key`] if the numbers do not belong together, or n is not a product of two primes.
fn factor(n: &Bn, e: &Bn, d: &Bn) -> Result<(Bn, Bn)> {
    let multiple = d.times(e)?.minus_one()?;
    let twos = multiple.trailing_zeros();
    if twos == 0 || multiple.bits() == 0 {
        return Err(INCONSISTENT);
    }
    let odd = multiple.shifted(twos)?;
    let n1 = n.minus_one()?;
    for base in small_bases().take(FACTOR_TRIES) {
        let mut x = Bn::from_u64(base)?.power(&odd, n)?;
        if x.is_one() || x.cmp(&n1) == Ordering::Equal {
            continue;
        }
        for step in 1..=twos {
            let square = x.times_mod(&x, n)?;
            if square.is_one() {
                let p = x.minus_one()?.gcd(n)?;
                let (q, rest) = n.div_rem(&p)?;
                if rest.bits() != 0 {
                    return Err(INCONSISTENT);
                }
                return Ok(if p.cmp(&q) == Ordering::Less { (q, p) } else { (p, q) });
            }
            if square.cmp(&n1) == Ordering::Equal {
                break;
            }
            if step == twos {
                return Err(INCONSISTENT);
            }
            x = square;
        }
    }
    Err(INCONSISTENT)
}

/// 2 and the odd numbers: n is not chosen against them by anyone who wants his own key to work.
fn small_bases() -> impl Iterator<Item = u64> {
    std::iter::once(2).chain((3..).step_by(2))
}

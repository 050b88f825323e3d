//! Big numbers. Everything but a comparison's outcome takes the same time for numbers of the same length in bytes.

use super::fill;
use super::{Error, Result};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero, Odd, Resize};
use crypto_primes::hazmat::MillerRabin;
use crypto_primes::{Flavor, is_prime};
use std::cmp::Ordering;
use zeroize::Zeroizing;

const FAILED: Error = Error::Internal("big number arithmetic");

/// A non-negative number, wiped when dropped.
pub(in crate::crypto::rustcrypto) struct Bn(Zeroizing<BoxedUint>);

/// What is needed to calculate modulo an odd number.
pub(super) fn params(modulus: &Bn) -> Result<BoxedMontyParams> {
    let bits = modulus.0.bit_width();
    let modulus = (*modulus.0).clone().resize(bits.max(1));
    Odd::new(modulus).into_option().map(BoxedMontyParams::new).ok_or(FAILED)
}

/// A number in the form that is calculated with modulo the parameters' number.
pub(super) fn monty(number: &Bn, params: &BoxedMontyParams) -> BoxedMontyForm {
    let bits = params.bits_precision();
    let modulus = params.modulus().as_nz_ref();
    let reduced = match number.0.bits_precision() > bits {
        // The remainder has as many words as the modulus.
        true => number.0.rem(modulus),
        false => Zeroizing::new((*number.0).clone().resize(bits)).rem(modulus),
    };
    BoxedMontyForm::new(reduced, params)
}

impl Bn {
    /// Takes a number over.
    pub(super) fn own(number: BoxedUint) -> Bn {
        Bn(Zeroizing::new(number))
    }

    /// The number.
    pub(super) fn uint(&self) -> &BoxedUint {
        &self.0
    }

    /// The number in as many bits, which it must fit.
    pub(super) fn sized(&self, bits: u32) -> Result<BoxedUint> {
        (*self.0).clone().try_resize(bits).ok_or(FAILED)
    }

    /// From big-endian bytes.
    pub(in crate::crypto::rustcrypto) fn from_bytes(bytes: &[u8]) -> Result<Bn> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(zeros..).unwrap_or_default();
        let bits =
            u32::try_from(digits.len()).ok().and_then(|len| len.checked_mul(8)).ok_or(Error::Memory)?;
        BoxedUint::from_be_slice(digits, bits).map(Bn::own).map_err(|_| FAILED)
    }

    /// From a small number.
    pub(in crate::crypto::rustcrypto) fn from_u64(value: u64) -> Result<Bn> {
        Ok(Bn::own(BoxedUint::from(value)))
    }

    /// A uniformly random number from 1 to `limit` - 1.
    pub(super) fn random_below(limit: &Bn) -> Result<Bn> {
        let bits = limit.bits();
        let mut bytes = Zeroizing::new(super::buffer(bits.div_ceil(8))?);
        let excess = (bytes.len() * 8).saturating_sub(bits);
        // Each try succeeds with a probability of one half at least, unless there is no such number.
        for _ in 0..256 {
            fill(&mut bytes)?;
            if let Some(first) = bytes.first_mut() {
                *first &= u8::MAX.checked_shr(u32::try_from(excess).unwrap_or(0)).unwrap_or(0);
            }
            // With its leading zeros: how many there are is a part of the secret.
            let precision = limit.0.bits_precision().max(u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX));
            let number = BoxedUint::from_be_slice(&bytes, precision).map(Bn::own).map_err(|_| FAILED)?;
            if number.bits() > 0 && number.cmp(limit) == Ordering::Less {
                return Ok(number);
            }
        }
        Err(Error::Random)
    }

    /// Big-endian bytes without leading zeros.
    pub(in crate::crypto::rustcrypto) fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = Zeroizing::new(self.0.to_be_bytes());
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(bytes.get(zeros..).unwrap_or_default().to_vec())
    }

    /// Big-endian bytes with leading zeros, as many as `out` takes.
    pub(super) fn to_padded(&self, out: &mut [u8]) -> Result<()> {
        super::right_aligned(&Zeroizing::new(self.0.to_be_bytes()), out)
    }

    /// A copy.
    pub(super) fn copy(&self) -> Bn {
        Bn::own((*self.0).clone())
    }

    /// Whether the number is prime, with an error below 2^-100 for one that somebody chose.
    pub(in crate::crypto::rustcrypto) fn is_prime(&self) -> Result<bool> {
        const ROUNDS: usize = 50;
        let number = (*self.0).clone().resize(self.0.bit_width().max(1));
        if !is_prime(Flavor::Any, &number) {
            return Ok(false);
        }
        if self.bits() <= 16 {
            return Ok(true);
        }
        let test = MillerRabin::new(Odd::new(number).into_option().ok_or(FAILED)?);
        for _ in 0..ROUNDS {
            let base = Bn::random_below(&self.minus_one()?)?;
            if test.test(&base.sized(self.0.bit_width())?).is_composite() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Size in bits.
    pub(in crate::crypto::rustcrypto) fn bits(&self) -> usize {
        self.0.bit_width() as usize
    }

    /// True for 1, 3, 5 ...
    pub(in crate::crypto::rustcrypto) fn is_odd(&self) -> bool {
        self.0.bit(0).to_bool()
    }

    /// True for 1.
    pub(in crate::crypto::rustcrypto) fn is_one(&self) -> bool {
        self.0.is_one().to_bool()
    }

    /// Orders by value.
    pub(in crate::crypto::rustcrypto) fn cmp(&self, other: &Bn) -> Ordering {
        (*self.0).cmp(&*other.0)
    }

    /// self - 1, for a number of at least 1.
    pub(in crate::crypto::rustcrypto) fn minus_one(&self) -> Result<Bn> {
        Ok(Bn::own(self.0.wrapping_sub(BoxedUint::one())))
    }

    /// self * other.
    pub(in crate::crypto::rustcrypto) fn times(&self, other: &Bn) -> Result<Bn> {
        Ok(Bn::own(self.0.concatenating_mul(&*other.0)))
    }

    /// self / other and self mod other; `other` must not be 0.
    pub(in crate::crypto::rustcrypto) fn div_rem(&self, other: &Bn) -> Result<(Bn, Bn)> {
        let divisor = Zeroizing::new(other.non_zero()?);
        let (quotient, rest) = self.0.div_rem(&*divisor);
        Ok((Bn::own(quotient), Bn::own(rest)))
    }

    fn non_zero(&self) -> Result<NonZero<BoxedUint>> {
        NonZero::new((*self.0).clone()).into_option().ok_or(FAILED)
    }

    /// self >> n.
    pub(in crate::crypto::rustcrypto) fn shifted(&self, n: u32) -> Result<Bn> {
        Ok(Bn::own(self.0.unbounded_shr(n)))
    }

    /// How many low bits are 0.
    pub(in crate::crypto::rustcrypto) fn trailing_zeros(&self) -> u32 {
        self.0.trailing_zeros()
    }

    /// self ^ exponent mod modulus; `modulus` is odd.
    pub(in crate::crypto::rustcrypto) fn power(&self, exponent: &Bn, modulus: &Bn) -> Result<Bn> {
        let params = params(modulus)?;
        let base = Zeroizing::new(monty(self, &params));
        Ok(Bn::own(Zeroizing::new(base.pow(&exponent.0)).retrieve()))
    }

    /// self * other mod modulus.
    pub(in crate::crypto::rustcrypto) fn times_mod(&self, other: &Bn, modulus: &Bn) -> Result<Bn> {
        Ok(self.times(other)?.div_rem(modulus)?.1)
    }

    /// The greatest common divisor.
    pub(in crate::crypto::rustcrypto) fn gcd(&self, other: &Bn) -> Result<Bn> {
        let bits = self.0.bits_precision().max(other.0.bits_precision());
        let (a, b) = (Zeroizing::new(self.sized(bits)?), Zeroizing::new(other.sized(bits)?));
        Ok(Bn::own(a.gcd(&b)))
    }

    /// The inverse mod `modulus`; [`Error::Key`] if there is none.
    pub(in crate::crypto::rustcrypto) fn inverse(&self, modulus: &Bn) -> Result<Bn> {
        const NONE: Error = Error::Key("a number that must be invertible is not");
        let rest = self.div_rem(modulus)?.1;
        let bits = rest.0.bits_precision().max(modulus.0.bits_precision());
        let modulus = Zeroizing::new(NonZero::new(modulus.sized(bits)?).into_option().ok_or(FAILED)?);
        Zeroizing::new(rest.sized(bits)?).invert_mod(&modulus).into_option().map(Bn::own).ok_or(NONE)
    }
}

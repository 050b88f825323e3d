//! Domain parameters of DSA and Diffie-Hellman (PKCS#11 v3.2, "Domain parameter objects").
//!
//! The numbers are looked at for size and order, not for being prime: whoever generates a key from them proves them.

use crate::error::Result;
use crate::object::Attributes;
use crate::types::{ck, ulong};

use super::{invalid, required};

/// The largest prime in bits, far above any in use.
const MAX_PRIME_BITS: usize = 16_384;

/// Checks CKA_PRIME, CKA_SUBPRIME and CKA_BASE, as far as the object has them, and fills in their lengths.
/// CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE.
pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let prime = significant(required(attributes, ck::CKA_PRIME, "CKA_PRIME is missing")?);
    let prime_bits = bits(prime);
    if !is_odd(prime) || !(2..=MAX_PRIME_BITS).contains(&prime_bits) {
        return Err(invalid("CKA_PRIME is no odd number of 2 to 16384 bits"));
    }
    // CKM_DSA_PROBABILISTIC_PARAMETER_GEN leaves the base to CKM_DSA_FIPS_G_GEN.
    if let Some(base) = attributes.bytes(ck::CKA_BASE).map(significant)
        && (bits(base) < 2 || !is_below(base, prime))
    {
        return Err(invalid("CKA_BASE is not between 1 and CKA_PRIME"));
    }
    let mut lengths = vec![(ck::CKA_PRIME_BITS, prime_bits)];
    if let Some(subprime) = attributes.bytes(ck::CKA_SUBPRIME).map(significant) {
        if !is_odd(subprime) || bits(subprime) < 2 || !is_below(subprime, prime) {
            return Err(invalid("CKA_SUBPRIME is no odd number below CKA_PRIME"));
        }
        lengths.push((ck::CKA_SUBPRIME_BITS, bits(subprime)));
    }
    for (id, length) in lengths {
        if attributes.ulong(id).is_some_and(|given| given != ulong(length)) {
            return Err(invalid("CKA_PRIME_BITS or CKA_SUBPRIME_BITS is not the length of its number"));
        }
        attributes.set(id, ulong(length));
    }
    Ok(())
}

/// An unsigned number without its leading zeros.
pub(super) fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The length in bits of a number without leading zeros.
pub(super) fn bits(significant: &[u8]) -> usize {
    let first = significant.first().map_or(0, |first| first.leading_zeros() as usize);
    significant.len() * 8 - first
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

/// Both without leading zeros.
fn is_below(number: &[u8], limit: &[u8]) -> bool {
    (number.len(), number) < (limit.len(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn completed(prime: &[u8], subprime: Option<&[u8]>, base: &[u8]) -> Result<Attributes> {
        let mut attributes = Attributes::new().with(ck::CKA_PRIME, prime).with(ck::CKA_BASE, base);
        if let Some(subprime) = subprime {
            attributes.set(ck::CKA_SUBPRIME, subprime);
        }
        complete(&mut attributes).map(|()| attributes)
    }

    #[test]
    fn lengths_follow_from_the_numbers() {
        let made = completed(&[0, 0x7f, 0xff], Some(&[0x0b]), &[2]).unwrap();
        assert_eq!(made.ulong(ck::CKA_PRIME_BITS), Some(15));
        assert_eq!(made.ulong(ck::CKA_SUBPRIME_BITS), Some(4));
        let made = completed(&[0x80, 0x01], None, &[0, 5]).unwrap();
        assert_eq!(made.ulong(ck::CKA_PRIME_BITS), Some(16));
        assert!(!made.contains(ck::CKA_SUBPRIME_BITS));
    }

    #[test]
    fn numbers_out_of_order_are_refused() {
        type Numbers<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);
        let wrong: [Numbers<'_>; 9] = [
            (&[], None, &[2]),
            (&[0, 0], None, &[2]),
            (&[0x80, 0x00], None, &[2]),
            (&[0x80, 0x01], None, &[1]),
            (&[0x80, 0x01], None, &[0]),
            (&[0x80, 0x01], None, &[0x80, 0x01]),
            (&[0x80, 0x01], Some(&[0x80, 0x03]), &[2]),
            (&[0x80, 0x01], Some(&[0x0a]), &[2]),
            (&[0xff; MAX_PRIME_BITS / 8 + 1], None, &[2]),
        ];
        for (prime, subprime, base) in wrong {
            let error = completed(prime, subprime, base).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AttributeValueInvalid, "{prime:?} {subprime:?} {base:?}");
        }
        let mut contradiction = Attributes::new()
            .with(ck::CKA_PRIME, &[0x80, 0x01])
            .with(ck::CKA_BASE, &[2])
            .with(ck::CKA_PRIME_BITS, ulong(15));
        assert_eq!(complete(&mut contradiction).unwrap_err().kind(), ErrorKind::AttributeValueInvalid);
    }
}

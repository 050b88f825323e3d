//! One-time passwords: HOTP (RFC 4226; PKCS#11 v3.2, section 6 "OTP").
//!
//! C_Sign takes no data. What it answers is a `CK_OTP_SIGNATURE_INFO`: a list of parameters, the password and the
//! counter that it is of, in one block of memory. The counter is the key's own, which moves with each use and is kept
//! before the password leaves, or one that the caller gives. C_Verify judges the password of the counter that its
//! caller gives, as the specification has it: how far to look ahead is the caller's to decide, by verifying again.

use crate::crypto::{self, Hash, Hmac};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ck, length, ulong};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::{Key, OtpKey};
use super::op::{Counter, Producer, Verifier};
use super::params::{OtpParams, ParamKind, Params};
use super::secret;

/// Secrets in bytes: RFC 4226 asks for 128 bits at least, HMAC-SHA-1 hashes what is above its block.
const GENERATED: std::ops::RangeInclusive<ck::CK_ULONG> = 16..=64;
/// What RFC 4226 recommends, and what is generated unless CKA_VALUE_LEN says otherwise.
const DEFAULT: ck::CK_ULONG = 20;
/// The shortest secret that is taken: the 80 bits that many services hand out.
pub(super) const LEAST: usize = 10;
/// The longest one.
pub(super) const MOST: usize = 64;

pub(super) const ROWS: &[Descriptor] = &[
    Descriptor {
        kind: ck::CKM_HOTP_KEY_GEN,
        name: "CKM_HOTP_KEY_GEN",
        key_types: &[ck::CKK_HOTP],
        min_key_size: *GENERATED.start(),
        max_key_size: *GENERATED.end(),
        param: ParamKind::None,
        ops: Ops {
            generate: Some(|_, template| match template.ulong(ck::CKA_VALUE_LEN) {
                None => secret::random(length(DEFAULT)),
                Some(_) => secret::random(secret::value_len(template, GENERATED)?),
            }),
            ..Ops::NONE
        },
        extra_flags: 0,
        legacy: false,
        fips: false,
        provider: Provider::OfBuild,
        vectors: "",
    },
    Descriptor {
        kind: ck::CKM_HOTP,
        name: "CKM_HOTP",
        key_types: &[ck::CKK_HOTP],
        min_key_size: LEAST as ck::CK_ULONG,
        max_key_size: MOST as ck::CK_ULONG,
        param: ParamKind::Otp,
        ops: Ops {
            sign_counting: Some(|key, params, counter| {
                let (password, given) = Password::new(key, params)?;
                let counter = match given {
                    Some(given) => Box::new(Given(given)),
                    None => counter,
                };
                Ok(Box::new(Generator { password, counter }))
            }),
            verify: Some(|key, params| {
                // CKA_OTP_COUNTER_REQUIREMENT is about C_SignInit: verification has no counter of its own.
                let given = options(params)?.counter;
                let counter = given.ok_or_else(|| invalid("CK_OTP_COUNTER is missing: C_Verify needs it"))?;
                let (password, _) = Password::new(key, params)?;
                Ok(Box::new(Check { password, counter }))
            }),
            ..Ops::NONE
        },
        extra_flags: 0,
        legacy: false,
        fips: false,
        provider: Provider::OfBuild,
        vectors: "RFC 4226",
    },
];

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

/// `CK_OTP_PARAMS`; without any, everything is as the key has it.
fn options(params: &Params) -> Result<OtpParams> {
    match params {
        Params::None => Ok(OtpParams::default()),
        Params::Otp(params) => Ok(*params),
        _ => Err(errors::wrong_param()),
    }
}

/// What makes passwords of counters.
struct Password {
    key: OtpKey,
    digits: usize,
}

impl Password {
    /// With the options checked, and the counter if it is to be the caller's.
    fn new(key: &Key, params: &Params) -> Result<(Password, Option<u64>)> {
        let key = key.otp()?.clone();
        let options = options(params)?;
        if options.flags & (ck::CKF_NEXT_OTP | ck::CKF_EXCLUDE_COUNTER) != 0 {
            return Err(invalid(
                "CK_OTP_FLAGS: an HOTP is that of its counter, not the next one's or nobody's",
            ));
        }
        if options.flags & ck::CKF_USER_FRIENDLY_OTP != 0 && !key.user_friendly {
            return Err(invalid("CK_OTP_FLAGS: CKA_OTP_USER_FRIENDLY_MODE of the key is CK_FALSE"));
        }
        if options.format.is_some_and(|format| format != ck::CK_OTP_FORMAT_DECIMAL) {
            return Err(invalid("CK_OTP_OUTPUT_FORMAT: an HOTP is decimal"));
        }
        let digits = match options.length {
            None => key.digits,
            Some(wanted @ 6..=8) => length(wanted),
            Some(_) => return Err(invalid("CK_OTP_OUTPUT_LENGTH: an HOTP has 6 to 8 digits")),
        };
        let counter = match key.counter_requirement {
            ck::CK_OTP_PARAM_IGNORED => None,
            ck::CK_OTP_PARAM_MANDATORY if options.counter.is_none() => {
                return Err(invalid("CK_OTP_COUNTER is missing: CKA_OTP_COUNTER_REQUIREMENT is mandatory"));
            }
            _ => options.counter,
        };
        Ok((Password { key, digits }, counter))
    }

    /// Writes the password of a counter (RFC 4226, section 5.3) into exactly `digits` bytes.
    fn write(&self, counter: u64, out: &mut [u8]) -> Result<()> {
        let mut mac = zeroize::Zeroizing::new([0; 20]);
        let mut hmac = Hmac::new(Hash::Sha1, self.key.value.value()).map_err(errors::data)?;
        hmac.update(&counter.to_be_bytes()).and_then(|()| hmac.finish(&mut *mac)).map_err(errors::data)?;
        let offset = usize::from(mac[19] & 0x0f);
        let mut number = mac.iter().skip(offset).take(4).fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
        number &= 0x7fff_ffff;
        for digit in out.iter_mut().rev() {
            // Below 10: it fits.
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        Ok(())
    }
}

/// What the caller counts.
struct Given(u64);

impl Counter for Given {
    fn next(&mut self) -> Result<u64> {
        Ok(self.0)
    }
}

/// C_Sign takes no data: "pData shall be set to NULL_PTR".
fn expect_no_data(data: &[u8]) -> Result<()> {
    match data.is_empty() {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::DataLenRange, "an OTP is not of any data: pData must be NULL_PTR"))
        }
    }
}

struct Generator {
    password: Password,
    counter: Box<dyn Counter>,
}

/// The size of `CK_OTP_SIGNATURE_INFO` and of each `CK_OTP_PARAM`: three words at most, a pointer being as wide as a
/// `CK_ULONG`.
const INFO_LEN: usize = size_of::<ck::CK_OTP_SIGNATURE_INFO>();
const PARAM_LEN: usize = size_of::<ck::CK_OTP_PARAM>();
const COUNTER_LEN: usize = size_of::<u64>();
const HEAD_LEN: usize = INFO_LEN + 2 * PARAM_LEN;

impl Producer for Generator {
    fn output_len(&self) -> usize {
        HEAD_LEN + COUNTER_LEN + self.password.digits
    }

    fn update(&mut self, part: &[u8]) -> Result<()> {
        expect_no_data(part)
    }

    /// `out` is the caller's buffer itself: the structure in it points into it.
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        if out.len() != self.output_len() {
            return Err(ErrorKind::BufferTooSmall.into());
        }
        let base = out.as_mut_ptr().expose_provenance();
        let (head, values) = out.split_at_mut(HEAD_LEN);
        let (counter_place, password_place) = values.split_at_mut(COUNTER_LEN);
        // Kept before anything of the password is there.
        let counter = self.counter.next()?;
        self.password.write(counter, password_place)?;
        counter_place.copy_from_slice(&counter.to_be_bytes());
        let words = [
            // CK_OTP_SIGNATURE_INFO
            ulong(base + INFO_LEN),
            2,
            // CK_OTP_PARAM, twice
            ck::CK_OTP_VALUE,
            ulong(base + HEAD_LEN + COUNTER_LEN),
            ulong(self.password.digits),
            ck::CK_OTP_COUNTER,
            ulong(base + HEAD_LEN),
            ulong(COUNTER_LEN),
        ];
        for (place, word) in head.chunks_exact_mut(size_of::<ck::CK_ULONG>()).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        Ok(())
    }
}

struct Check {
    password: Password,
    counter: u64,
}

impl Verifier for Check {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        expect_no_data(part)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let mut expected = zeroize::Zeroizing::new(vec![0; self.password.digits]);
        if signature.len() != expected.len() {
            return Err(Error::new(ErrorKind::SignatureLenRange, "the OTP has another number of digits"));
        }
        self.password.write(self.counter, &mut expected)?;
        match crypto::equal(&expected, signature) {
            true => Ok(()),
            false => Err(ErrorKind::SignatureInvalid.into()),
        }
    }
}

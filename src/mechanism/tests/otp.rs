//! HOTP, against appendix D of RFC 4226.

use super::super::op::Counter;
use super::super::{Key, OtpParams, Params};
use super::{attributes, object, row, verify};
use crate::error::{ErrorKind, Result};
use crate::object::Attributes;
use crate::types::{ck, length};

/// Of the secret "12345678901234567890" and the counters from 0 on.
const PASSWORDS: [&str; 10] =
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

struct From(u64);

impl Counter for From {
    fn next(&mut self) -> Result<u64> {
        self.0 += 1;
        Ok(self.0 - 1)
    }
}

fn template() -> Attributes {
    object(ck::CKO_OTP_KEY, ck::CKK_HOTP)
        .with(ck::CKA_VALUE, b"12345678901234567890")
        .with(ck::CKA_OTP_USER_FRIENDLY_MODE, true)
}

fn key(template: &Attributes) -> Key {
    let mut completed = template.clone();
    attributes::complete_created(&mut completed).unwrap();
    attributes::key(&completed).unwrap()
}

fn with(change: impl Fn(&mut OtpParams)) -> Params {
    let mut params = OtpParams::default();
    change(&mut params);
    Params::Otp(params)
}

/// The password and the counter out of the structure, followed as an application would, by the addresses in it.
fn signed(key: &Key, params: &Params, from: u64) -> std::result::Result<(String, u64), ErrorKind> {
    let start = row(ck::CKM_HOTP).ops.sign_counting.unwrap();
    let mut running = start(key, params, Box::new(From(from))).map_err(|error| error.kind())?;
    let mut out = vec![0; running.output_len()];
    running.once(&[], &mut out).map_err(|error| error.kind())?;
    let base = out.as_ptr() as usize;
    let word = |at: usize| usize::from_ne_bytes(out[at..at + 8].try_into().unwrap());
    let (list, count) = (word(0) - base, word(8));
    let param = |at: usize| {
        let at = list + at * 24;
        (word(at), &out[word(at + 8) - base..][..word(at + 16)])
    };
    assert_eq!((count, param(0).0, param(1).0), (2, length(ck::CK_OTP_VALUE), length(ck::CK_OTP_COUNTER)));
    let counter = u64::from_be_bytes(param(1).1.try_into().unwrap());
    Ok((String::from_utf8(param(0).1.to_vec()).unwrap(), counter))
}

#[test]
fn passwords_are_those_of_the_rfc() {
    let hotp = key(&template());
    for (counter, password) in (0..).zip(PASSWORDS) {
        assert_eq!(signed(&hotp, &Params::None, counter), Ok((password.to_owned(), counter)));
        // The caller's counter goes before the key's.
        let given = with(|params| params.counter = Some(counter));
        assert_eq!(signed(&hotp, &given, 99), Ok((password.to_owned(), counter)));
        assert_eq!(verify(ck::CKM_HOTP, &hotp, &given, &[], password.as_bytes()), Ok(()));
        let other = with(|params| params.counter = Some(counter + 1));
        let judged = verify(ck::CKM_HOTP, &hotp, &other, &[], password.as_bytes());
        assert_eq!(judged, Err(ErrorKind::SignatureInvalid));
    }
    // Table 2 of the appendix: 1284755224 before it is cut to six digits.
    let eight = with(|params| params.length = Some(8));
    assert_eq!(signed(&hotp, &eight, 0), Ok(("84755224".to_owned(), 0)));
    let seven = key(&template().with(ck::CKA_OTP_LENGTH, 7 as ck::CK_ULONG));
    assert_eq!(signed(&seven, &Params::None, 0), Ok(("4755224".to_owned(), 0)));
}

#[test]
fn options_that_hotp_lacks_are_refused() {
    let hotp = key(&template());
    for wrong in [
        with(|params| params.length = Some(5)),
        with(|params| params.length = Some(9)),
        with(|params| params.format = Some(ck::CK_OTP_FORMAT_BINARY)),
        with(|params| params.flags = ck::CKF_NEXT_OTP),
        with(|params| params.flags = ck::CKF_EXCLUDE_COUNTER),
        Params::Iv(Default::default()),
    ] {
        assert_eq!(signed(&hotp, &wrong, 0), Err(ErrorKind::MechanismParamInvalid), "{wrong:?}");
    }
    let friendly = with(|params| params.flags = ck::CKF_USER_FRIENDLY_OTP | ck::CKF_EXCLUDE_TIME);
    assert!(signed(&hotp, &friendly, 0).is_ok());
    let unfriendly = key(&template().with(ck::CKA_OTP_USER_FRIENDLY_MODE, false));
    assert_eq!(signed(&unfriendly, &friendly, 0), Err(ErrorKind::MechanismParamInvalid));
    let judged = verify(ck::CKM_HOTP, &hotp, &Params::None, &[], b"755224");
    assert_eq!(judged, Err(ErrorKind::MechanismParamInvalid), "no counter to verify with");
    let zero = with(|params| params.counter = Some(0));
    for (password, wanted) in
        [(&b"55224"[..], ErrorKind::SignatureLenRange), (b"755225", ErrorKind::SignatureInvalid)]
    {
        assert_eq!(verify(ck::CKM_HOTP, &hotp, &zero, &[], password), Err(wanted));
    }
    let mut judging = row(ck::CKM_HOTP).ops.verify.unwrap()(&hotp, &zero).unwrap();
    assert_eq!(judging.once(b"data", b"755224").unwrap_err().kind(), ErrorKind::DataLenRange);
    assert_eq!(judging.update(b"data").unwrap_err().kind(), ErrorKind::DataLenRange);
}

#[test]
fn the_key_says_whose_counter_counts() {
    let with_requirement = |requirement| key(&template().with(ck::CKA_OTP_COUNTER_REQUIREMENT, requirement));
    let given = with(|params| params.counter = Some(3));
    let ignoring = with_requirement(ck::CK_OTP_PARAM_IGNORED);
    assert_eq!(signed(&ignoring, &given, 1), Ok((PASSWORDS[1].to_owned(), 1)));
    assert_eq!(verify(ck::CKM_HOTP, &ignoring, &given, &[], PASSWORDS[3].as_bytes()), Ok(()));
    let demanding = with_requirement(ck::CK_OTP_PARAM_MANDATORY);
    assert_eq!(signed(&demanding, &Params::None, 1), Err(ErrorKind::MechanismParamInvalid));
    assert_eq!(signed(&demanding, &given, 1), Ok((PASSWORDS[3].to_owned(), 3)));
}

#[test]
fn a_counter_counts_once_and_ends() {
    let mut key = template();
    attributes::complete_created(&mut key).unwrap();
    let (zero, key) = attributes::count(&key).unwrap();
    let (one, key) = attributes::count(&key).unwrap();
    assert_eq!((zero, one), (0, 1));
    let last = key.with(ck::CKA_OTP_COUNTER, &[0xff; 8]);
    assert_eq!(attributes::count(&last).unwrap_err().kind(), ErrorKind::KeyExhausted);
    let aes = object(ck::CKO_SECRET_KEY, ck::CKK_AES).with(ck::CKA_OTP_COUNTER, &[0; 8]);
    assert_eq!(attributes::count(&aes).unwrap_err().kind(), ErrorKind::KeyHandleInvalid);
}

#[test]
fn keys_that_make_no_hotp_are_refused() {
    let number = |n: ck::CK_ULONG| crate::object::Value::Ulong(n);
    for (id, wrong) in [
        (ck::CKA_OTP_FORMAT, number(ck::CK_OTP_FORMAT_HEXADECIMAL)),
        (ck::CKA_OTP_LENGTH, number(5)),
        (ck::CKA_OTP_LENGTH, number(9)),
        (ck::CKA_OTP_COUNTER_REQUIREMENT, number(3)),
        (ck::CKA_OTP_PIN_REQUIREMENT, number(ck::CK_OTP_PARAM_MANDATORY)),
        (ck::CKA_OTP_TIME, "20260101000000".into()),
        (ck::CKA_OTP_COUNTER, (&[0; 4]).into()),
        (ck::CKA_VALUE, (&[1; 9]).into()),
        (ck::CKA_VALUE, (&[1; 65]).into()),
    ] {
        let mut key = template().with(id, wrong.clone());
        let refusal = attributes::complete_created(&mut key).unwrap_err().kind();
        assert_eq!(refusal, ErrorKind::AttributeValueInvalid, "{id:#x} {wrong:?}");
    }
}

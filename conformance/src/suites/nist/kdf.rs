//! SP 800-108 in counter mode: the counter before, after and in the middle of the fixed input.

use cryptoki_sys::*;

use super::response::{Vector, vectors};
use crate::mech::Segment;
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::suites::wycheproof::kdf::readable;
use crate::suites::wycheproof::{Bed, secret_key};
use crate::{Mech, Rv, ensure, skip};

const FILE: &str = "nist-800-108-KBKDF-CTR.txt";

/// Name of the pseudo-random function, mechanism, type of its key.
const PRFS: &[(&str, CK_MECHANISM_TYPE, CK_KEY_TYPE)] = &[
    ("CMAC_AES128", CKM_AES_CMAC, CKK_AES),
    ("CMAC_AES192", CKM_AES_CMAC, CKK_AES),
    ("CMAC_AES256", CKM_AES_CMAC, CKK_AES),
    ("CMAC_TDES2", CKM_DES3_CMAC, CKK_DES2),
    ("CMAC_TDES3", CKM_DES3_CMAC, CKK_DES3),
    ("HMAC_SHA1", CKM_SHA_1_HMAC, CKK_GENERIC_SECRET),
    ("HMAC_SHA224", CKM_SHA224_HMAC, CKK_GENERIC_SECRET),
    ("HMAC_SHA256", CKM_SHA256_HMAC, CKK_GENERIC_SECRET),
    ("HMAC_SHA384", CKM_SHA384_HMAC, CKK_GENERIC_SECRET),
    ("HMAC_SHA512", CKM_SHA512_HMAC, CKK_GENERIC_SECRET),
];

pub(super) fn cases() -> Vec<Case> {
    let case = |row: &'static (&str, CK_MECHANISM_TYPE, CK_KEY_TYPE)| {
        Case::many(&format!("{FILE}/{}", row.0), move |context, tally| counter(*row, context, tally))
    };
    PRFS.iter().map(case).collect()
}

fn counter(
    (name, prf, key_type): (&str, CK_MECHANISM_TYPE, CK_KEY_TYPE),
    context: &Context,
    tally: &mut Tally,
) -> Check {
    let vectors = vectors(context, FILE, "KO")?;
    let bed = Bed::new(context)?;
    bed.token.need(CKM_SP800_108_COUNTER_KDF, CKF_DERIVE)?;
    bed.token.need(prf, CKF_SIGN)?;
    for vector in vectors.iter().filter(|vector| vector.text("PRF").is_ok_and(|prf| prf == name)) {
        let place = format!("{} {}", vector.text("CTRLOCATION")?, vector.text("RLEN")?);
        let check = derived(&bed, prf, key_type, vector);
        tally.record(&format!("{FILE}#{name} {place} {}", vector.text("COUNT")?), check);
    }
    Ok(())
}

fn derived(bed: &Bed, prf: CK_MECHANISM_TYPE, key_type: CK_KEY_TYPE, vector: &Vector) -> Check {
    let bits = match vector.text("RLEN")? {
        "8_BITS" => 8,
        "16_BITS" => 16,
        "24_BITS" => 24,
        "32_BITS" => 32,
        other => return Err(Failure::Failed(format!("a counter of {other}"))),
    };
    let counter = Segment::Counter { bits };
    let segments = match vector.text("CTRLOCATION")? {
        "BEFORE_FIXED" => vec![counter, Segment::Bytes(vector.bytes("FixedInputData")?)],
        "AFTER_FIXED" => vec![Segment::Bytes(vector.bytes("FixedInputData")?), counter],
        _ => vec![
            Segment::Bytes(vector.bytes("DataBeforeCtrData")?),
            counter,
            Segment::Bytes(vector.bytes("DataAfterCtrData")?),
        ],
    };
    let output = vector.bytes("KO")?;
    let mut value = vector.bytes("KI")?;
    if matches!(key_type, CKK_DES2 | CKK_DES3) {
        value.iter_mut().for_each(|byte| *byte = odd(*byte));
    }
    bed.with_key(&secret_key(key_type, &value, &[CKA_DERIVE]), |base| {
        let mech = Mech::sp800_108_counter(prf, segments);
        let key = match bed.session.derive(&mech, base?, &readable(output.len())) {
            // The mechanism may be there, and not for this purpose: the specification demands no one function.
            Err(Rv(CKR_MECHANISM_PARAM_INVALID)) if prf == CKM_DES3_CMAC => {
                skip!("no triple DES in key derivation")
            }
            key => key?,
        };
        let value = bed.session.get(key, CKA_VALUE)?;
        bed.session.destroy(key)?;
        ensure!(value == output, "C_DeriveKey gives a wrong result");
        Ok(())
    })
}

/// DES looks at seven bits of each byte; the lowest is PKCS#11's parity.
fn odd(byte: u8) -> u8 {
    byte & 0xfe | u8::from((byte >> 1).count_ones().is_multiple_of(2))
}

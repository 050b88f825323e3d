//! NSS's own trust objects, from before PKCS#11 had any, as the trust objects of v3.2 ("Trust objects").

use crate::cli::migrate::source::Damage;
use crate::object::{Attributes, Value};
use crate::types::ck;

/// CKO_NSS_TRUST.
const NSS_TRUST: ck::CK_OBJECT_CLASS = 0xce53_4353;
/// CKA_CERT_SHA1_HASH of NSS.
const SHA1_HASH: ck::CK_ATTRIBUTE_TYPE = 0xce53_63b4;

/// NSS's attributes of trust and the standard's.
const PURPOSES: &[(ck::CK_ATTRIBUTE_TYPE, ck::CK_ATTRIBUTE_TYPE)] = &[
    (0xce53_6358, ck::CKA_TRUST_SERVER_AUTH),
    (0xce53_6359, ck::CKA_TRUST_CLIENT_AUTH),
    (0xce53_635a, ck::CKA_TRUST_CODE_SIGNING),
    (0xce53_635b, ck::CKA_TRUST_EMAIL_PROTECTION),
    (0xce53_635c, ck::CKA_TRUST_IPSEC_IKE),
    (0xce53_635f, ck::CKA_TRUST_TIME_STAMPING),
];

/// NSS's degrees of trust and the standard's.
const DEGREES: &[(u32, u32)] = &[
    (0xce53_4351, ck::CKT_TRUSTED),
    (0xce53_4352, ck::CKT_TRUST_ANCHOR),
    (0xce53_4353, ck::CKT_TRUST_MUST_VERIFY_TRUST),
    (0xce53_4355, ck::CKT_TRUST_UNKNOWN),
    (0xce53_435a, ck::CKT_NOT_TRUSTED),
    // "Valid delegator": an authority, but not one to trust by itself.
    (0xce53_435b, ck::CKT_TRUST_MUST_VERIFY_TRUST),
];

/// A trust object as the standard has it; any other object as it is.
pub fn convert(mut object: Attributes) -> Result<Attributes, Damage> {
    if object.class() != NSS_TRUST {
        return Ok(object);
    }
    object.set(ck::CKA_CLASS, ck::CKO_TRUST);
    for (theirs, standard) in PURPOSES {
        let Some(Value::Bytes(degree)) = object.remove(*theirs) else { continue };
        let degree = degree.as_ref().try_into().map(u32::from_be_bytes).ok();
        let known = DEGREES.iter().find(|(known, _)| Some(*known) == degree).map(|(_, standard)| *standard);
        let known = known.ok_or(Damage::from("its degree of trust is unknown"))?;
        object.set(*standard, ck::CK_ULONG::from(known));
    }
    if let Some(hash) = object.remove(SHA1_HASH) {
        object.set(ck::CKA_HASH_OF_CERTIFICATE, hash);
        object.set(ck::CKA_NAME_HASH_ALGORITHM, ck::CKM_SHA_1);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_translated() {
        let object = Attributes::new()
            .with(ck::CKA_CLASS, NSS_TRUST)
            .with(0xce53_6358, &[0xce, 0x53, 0x43, 0x52])
            .with(SHA1_HASH, &[9; 20]);
        let standard = convert(object.clone()).unwrap();
        assert_eq!(standard.class(), ck::CKO_TRUST);
        assert_eq!(standard.ulong(ck::CKA_TRUST_SERVER_AUTH), Some(ck::CKT_TRUST_ANCHOR.into()));
        assert_eq!(standard.ulong(ck::CKA_NAME_HASH_ALGORITHM), Some(ck::CKM_SHA_1));
        assert!(convert(object.with(0xce53_6359, b"?")).is_err());
    }
}

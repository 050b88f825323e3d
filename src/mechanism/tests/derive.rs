//! Key agreement.

use super::super::Params;
use super::*;
use ErrorKind::*;

fn derive(
    key: &Key,
    kdf: ck::CK_EC_KDF_TYPE,
    public: &[u8],
    len: Option<usize>,
) -> Result<Vec<u8>, ErrorKind> {
    let shared = if kdf == ck::CKD_NULL { Vec::new() } else { b"info".to_vec() };
    let params = Params::Ecdh { kdf, shared, public: public.to_vec() };
    let derived = value(ck::CKM_ECDH1_DERIVE, key, &params, len);
    derived.map(|key| key.to_vec()).map_err(|e| e.kind())
}

#[test]
fn agreement_on_a_weierstrass_curve() {
    let (private, _) = ec();
    let (peer, secret) = (hex(vectors::ECDH_PEER), hex(vectors::ECDH_SECRET));
    assert_eq!(derive(&private, ck::CKD_NULL, &peer, None).as_ref(), Ok(&secret));
    let wrapped = [&[4, 65], peer.as_slice()].concat();
    assert_eq!(derive(&private, ck::CKD_NULL, &wrapped, None).as_ref(), Ok(&secret), "DER is taken too");
    assert_eq!(
        derive(&private, ck::CKD_NULL, &peer, Some(24)).unwrap(),
        secret[8..],
        "cut at the leading end"
    );
    assert_eq!(derive(&private, ck::CKD_NULL, &peer, Some(33)), Err(KeySizeRange));
    assert_eq!(derive(&private, ck::CKD_SHA256_KDF, &peer, Some(40)).unwrap(), hex(vectors::ECDH_X963));
    assert_eq!(
        derive(&private, ck::CKD_SHA256_KDF_SP800, &peer, Some(40)).unwrap(),
        hex(vectors::ECDH_SP800_56A)
    );
    assert_eq!(derive(&private, ck::CKD_SHA256_KDF, &peer, None), Err(TemplateIncomplete));
    for kdf in [ck::CKD_SHA1_KDF, ck::CKD_SHA224_KDF_SP800, ck::CKD_SHA384_KDF, ck::CKD_SHA512_KDF_SP800] {
        assert_eq!(derive(&private, kdf, &peer, Some(200)).map(|key| key.len()), Ok(200));
    }
}

#[test]
fn agreement_on_a_montgomery_curve() {
    let private = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC_MONTGOMERY)
        .with(ck::CKA_EC_PARAMS, X25519)
        .with(ck::CKA_VALUE, &[0x11; 32]);
    let key = attributes::key(&private).unwrap();
    let peer = hex(vectors::X25519_PEER);
    assert_eq!(derive(&key, ck::CKD_NULL, &peer, None).unwrap(), hex(vectors::X25519_SECRET));
    let wrapped = [&[4, 32], peer.as_slice()].concat();
    assert_eq!(derive(&key, ck::CKD_NULL, &wrapped, None).unwrap(), hex(vectors::X25519_SECRET));
    assert_eq!(derive(&key, ck::CKD_NULL, &[0; 32], None), Err(PublicKeyInvalid), "a point of small order");
    assert_eq!(derive(&key, ck::CKD_NULL, &[0; 31], None), Err(MechanismParamInvalid));
}

#[test]
fn peers_and_parameters_that_are_wrong() {
    let (private, public) = ec();
    let mut peer = hex(vectors::ECDH_PEER);
    assert_eq!(derive(&private, 99, &peer, Some(32)), Err(MechanismParamInvalid));
    assert_eq!(derive(&public, ck::CKD_NULL, &peer, None), Err(KeyTypeInconsistent));
    assert_eq!(derive(&private, ck::CKD_NULL, &peer[..64], None), Err(MechanismParamInvalid));
    assert_eq!(derive(&private, ck::CKD_NULL, &[], None), Err(MechanismParamInvalid));
    peer[64] ^= 1;
    assert_eq!(derive(&private, ck::CKD_NULL, &peer, None), Err(PublicKeyInvalid), "not on the curve");
    let params = Params::Ecdh { kdf: ck::CKD_NULL, shared: vec![1], public: peer };
    let refusal = value(ck::CKM_ECDH1_DERIVE, &private, &params, None).unwrap_err();
    assert_eq!(refusal.kind(), MechanismParamInvalid, "CKD_NULL takes no shared data");
}

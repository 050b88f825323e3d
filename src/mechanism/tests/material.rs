//! Attributes to keys and back.

use super::super::material::{complete_created, fill_secret, key, unwrap_into, wanted_len, wrap_encoding};
use super::*;
use ErrorKind::*;

fn completed(mut object: Attributes) -> Result<Attributes, ErrorKind> {
    complete_created(&mut object).map_err(|e| e.kind())?;
    Ok(object)
}

fn octet_string(content: &[u8]) -> Vec<u8> {
    [&[4, u8::try_from(content.len()).unwrap()], content].concat()
}

#[test]
fn secret_keys() {
    let of = |key_type, len| object(ck::CKO_SECRET_KEY, key_type).with(ck::CKA_VALUE, vec![0u8; len]);
    let aes = completed(of(ck::CKK_AES, 16)).unwrap();
    assert_eq!(aes.ulong(ck::CKA_VALUE_LEN), Some(16));
    assert_eq!(aes.bytes(ck::CKA_CHECK_VALUE), Some(&hex("66e94b")[..]), "zeros under a key of zeros");
    let generic = completed(of(ck::CKK_GENERIC_SECRET, 5)).unwrap();
    assert_eq!(generic.bytes(ck::CKA_CHECK_VALUE), Some(&hex("a10909")[..]), "SHA-1 of five zeros");
    assert_eq!(completed(of(ck::CKK_AES, 17)), Err(AttributeValueInvalid));
    assert_eq!(completed(of(ck::CKK_AES, 0)), Err(AttributeValueInvalid));
    assert_eq!(completed(of(ck::CKK_BATON, 8)), Err(AttributeValueInvalid));

    let none = completed(of(ck::CKK_AES, 16).with(ck::CKA_CHECK_VALUE, &[])).unwrap();
    assert_eq!(none.bytes(ck::CKA_CHECK_VALUE), Some(&[][..]), "an empty one means none");
    let right = of(ck::CKK_AES, 16).with(ck::CKA_CHECK_VALUE, hex("66e94b"));
    assert!(completed(right).is_ok());
    let wrong = of(ck::CKK_AES, 16).with(ck::CKA_CHECK_VALUE, hex("66e94c"));
    assert_eq!(completed(wrong), Err(AttributeValueInvalid));

    let mut derived = object(ck::CKO_SECRET_KEY, ck::CKK_AES);
    assert_eq!(fill_secret(&mut derived, vec![0; 66].into()).unwrap_err().kind(), KeySizeRange);
    assert_eq!(wanted_len(&derived).unwrap(), None);
    derived.set(ck::CKA_VALUE_LEN, wanted(24));
    assert_eq!(wanted_len(&derived).unwrap(), Some(24));
    derived.set(ck::CKA_VALUE_LEN, wanted(usize::MAX));
    assert_eq!(wanted_len(&derived).unwrap_err().kind(), AttributeValueInvalid);
    assert!(matches!(key(&aes), Ok(Key::Secret { key_type: ck::CKK_AES, .. })));
}

#[test]
fn rsa_keys_are_completed() {
    let rsa = rsa_attributes();
    let primes = [ck::CKA_PRIME_1, ck::CKA_PRIME_2].map(|prime| rsa.bytes(prime).unwrap().to_vec());
    assert!(primes.contains(&hex(vectors::RSA_P)));
    for part in [ck::CKA_EXPONENT_1, ck::CKA_EXPONENT_2, ck::CKA_COEFFICIENT, ck::CKA_PUBLIC_KEY_INFO] {
        assert!(rsa.bytes(part).is_some_and(|part| !part.is_empty()));
    }
    assert_eq!(completed(rsa.clone()).unwrap(), rsa, "what is complete stays as it is");

    let public = object(ck::CKO_PUBLIC_KEY, ck::CKK_RSA)
        .with(ck::CKA_MODULUS, hex(vectors::RSA_N))
        .with(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    let public = completed(public).unwrap();
    assert_eq!(public.ulong(ck::CKA_MODULUS_BITS), Some(1024));
    assert_eq!(public.bytes(ck::CKA_PUBLIC_KEY_INFO), rsa.bytes(ck::CKA_PUBLIC_KEY_INFO));

    let mut wrong = rsa.clone();
    wrong.set(ck::CKA_PRIME_1, vec![0x55u8; 64]);
    assert_eq!(completed(wrong), Err(AttributeValueInvalid));
    let mut missing = rsa.clone();
    missing.remove(ck::CKA_PRIVATE_EXPONENT);
    assert_eq!(completed(missing), Err(TemplateIncomplete));
    let mut other = rsa;
    other.set(ck::CKA_PUBLIC_KEY_INFO, hex(vectors::EC_SPKI));
    assert_eq!(completed(other), Err(AttributeValueInvalid));
}

#[test]
fn weierstrass_keys() {
    let private = completed(ec_attributes()).unwrap();
    let wrapped = octet_string(&hex(vectors::EC_POINT));
    assert_eq!(private.bytes(ck::CKA_EC_POINT), Some(&wrapped[..]));
    assert_eq!(private.bytes(ck::CKA_PUBLIC_KEY_INFO), Some(&hex(vectors::EC_SPKI)[..]));
    assert!(completed(ec_attributes().with(ck::CKA_EC_POINT, wrapped.clone())).is_ok());
    let other = octet_string(&hex(vectors::ECDH_PEER));
    assert_eq!(completed(ec_attributes().with(ck::CKA_EC_POINT, other)), Err(AttributeValueInvalid));

    let public = |point: Vec<u8>| {
        completed(
            object(ck::CKO_PUBLIC_KEY, ck::CKK_EC)
                .with(ck::CKA_EC_PARAMS, P256)
                .with(ck::CKA_EC_POINT, point),
        )
    };
    for point in [vectors::EC_POINT, vectors::EC_POINT_COMPRESSED] {
        for encoding in [hex(point), octet_string(&hex(point))] {
            let public = public(encoding).unwrap();
            assert_eq!(public.bytes(ck::CKA_EC_POINT), Some(&wrapped[..]), "one form whatever was given");
        }
    }
    let mut off_curve = hex(vectors::EC_POINT);
    off_curve[64] ^= 1;
    assert_eq!(public(off_curve), Err(AttributeValueInvalid));
    assert_eq!(public(vec![4; 10]), Err(AttributeValueInvalid));
    assert_eq!(completed(ec_attributes().with(ck::CKA_VALUE, &[0xff; 32])), Err(AttributeValueInvalid));
    assert_eq!(completed(ec_attributes().with(ck::CKA_VALUE, &[0; 32])), Err(AttributeValueInvalid));
}

#[test]
fn curves_have_names_and_numbers() {
    let with = |params: &[u8]| completed(ec_attributes().with(ck::CKA_EC_PARAMS, params)).map(|_| ());
    let named = [&[0x13, 9], b"secp256r1".as_slice()].concat();
    assert_eq!(with(&named), Ok(()));
    assert_eq!(with(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5]), Err(CurveNotSupported), "brainpoolP224r1");
    assert_eq!(with(ED25519), Err(CurveNotSupported), "an Edwards curve is no CKK_EC");
    assert_eq!(with(&[0x30, 0]), Err(DomainParamsInvalid), "explicit parameters");
    assert_eq!(with(&[5, 0]), Err(DomainParamsInvalid), "implicitlyCA");
    assert_eq!(with(&[6, 9, 1]), Err(DomainParamsInvalid), "cut off");
    assert_eq!(with(&[]), Err(AttributeValueInvalid));
}

#[test]
fn edwards_and_montgomery_keys() {
    let names: &[(ck::CK_KEY_TYPE, &[u8])] = &[
        (ck::CKK_EC_EDWARDS, ED25519),
        (ck::CKK_EC_EDWARDS, b"\x13\x0cedwards25519"),
        (ck::CKK_EC_EDWARDS, b"\x13\x07Ed25519"),
        (ck::CKK_EC_MONTGOMERY, X25519),
        (ck::CKK_EC_MONTGOMERY, b"\x13\x0acurve25519"),
    ];
    for (key_type, params) in names {
        let private = object(ck::CKO_PRIVATE_KEY, *key_type)
            .with(ck::CKA_EC_PARAMS, *params)
            .with(ck::CKA_VALUE, &[0x11; 32]);
        let private = completed(private).unwrap();
        let point = private.bytes(ck::CKA_EC_POINT).unwrap().to_vec();
        assert_eq!(point.len(), 32, "raw");
        for encoding in [point.clone(), octet_string(&point)] {
            let public = object(ck::CKO_PUBLIC_KEY, *key_type)
                .with(ck::CKA_EC_PARAMS, *params)
                .with(ck::CKA_EC_POINT, encoding);
            let public = completed(public).unwrap();
            assert_eq!(public.bytes(ck::CKA_EC_POINT), Some(&point[..]));
            assert_eq!(public.bytes(ck::CKA_PUBLIC_KEY_INFO), private.bytes(ck::CKA_PUBLIC_KEY_INFO));
        }
        let mut wrong = private.clone();
        wrong.set(ck::CKA_EC_POINT, &[9; 32]);
        assert_eq!(completed(wrong), Err(AttributeValueInvalid));
        let mut wrong = private.clone();
        wrong.set(ck::CKA_VALUE, &[1; 31]);
        assert_eq!(completed(wrong), Err(AttributeValueInvalid));
    }
    let crossed = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS)
        .with(ck::CKA_EC_PARAMS, X25519)
        .with(ck::CKA_VALUE, &[0x11; 32]);
    assert_eq!(completed(crossed), Err(CurveNotSupported));
}

#[test]
fn ml_dsa_keys() {
    let template = |set| object(ck::CKO_PRIVATE_KEY, ck::CKK_ML_DSA).with(ck::CKA_PARAMETER_SET, set);
    let from_seed = completed(template(ck::CKP_ML_DSA_65).with(ck::CKA_SEED, &[7; 32])).unwrap();
    let value = from_seed.bytes(ck::CKA_VALUE).unwrap().to_vec();
    assert_eq!(value.len(), 4032);
    let from_value = completed(template(ck::CKP_ML_DSA_65).with(ck::CKA_VALUE, value)).unwrap();
    assert_eq!(from_value.bytes(ck::CKA_PUBLIC_KEY_INFO), from_seed.bytes(ck::CKA_PUBLIC_KEY_INFO));
    assert!(from_value.bytes(ck::CKA_SEED).is_none());
    assert!(completed(from_seed.clone()).is_ok());
    let mut wrong = from_seed;
    wrong.set(ck::CKA_SEED, &[8; 32]);
    assert_eq!(completed(wrong), Err(AttributeValueInvalid));
    assert_eq!(completed(template(ck::CKP_ML_DSA_65)), Err(TemplateIncomplete));
    assert_eq!(completed(template(9).with(ck::CKA_SEED, &[7; 32])), Err(ParameterSetNotSupported));
    assert_eq!(
        completed(template(ck::CKP_ML_DSA_44).with(ck::CKA_SEED, &[7; 31])),
        Err(AttributeValueInvalid)
    );
}

#[test]
fn ml_kem_keys() {
    let template = |set| object(ck::CKO_PRIVATE_KEY, ck::CKK_ML_KEM).with(ck::CKA_PARAMETER_SET, set);
    let from_seed = completed(template(ck::CKP_ML_KEM_768).with(ck::CKA_SEED, &[7; 64])).unwrap();
    let value = from_seed.bytes(ck::CKA_VALUE).unwrap().to_vec();
    assert_eq!(value.len(), 2400);
    let from_value = completed(template(ck::CKP_ML_KEM_768).with(ck::CKA_VALUE, value.clone())).unwrap();
    assert_eq!(from_value.bytes(ck::CKA_PUBLIC_KEY_INFO), from_seed.bytes(ck::CKA_PUBLIC_KEY_INFO));
    assert!(from_value.bytes(ck::CKA_SEED).is_none());
    assert!(completed(from_seed.clone()).is_ok());
    let mut wrong = from_seed;
    wrong.set(ck::CKA_SEED, &[8; 64]);
    assert_eq!(completed(wrong), Err(AttributeValueInvalid));
    assert_eq!(completed(template(ck::CKP_ML_KEM_768)), Err(TemplateIncomplete));
    assert_eq!(completed(template(9).with(ck::CKA_SEED, &[7; 64])), Err(ParameterSetNotSupported));
    let crossed = template(ck::CKP_ML_KEM_512).with(ck::CKA_VALUE, value);
    assert_eq!(completed(crossed), Err(AttributeValueInvalid));
    let public = object(ck::CKO_PUBLIC_KEY, ck::CKK_ML_KEM).with(ck::CKA_PARAMETER_SET, ck::CKP_ML_KEM_512);
    let above = public.clone().with(ck::CKA_VALUE, vec![0xff_u8; 800]);
    assert_eq!(completed(above), Err(AttributeValueInvalid));
    assert!(completed(public.with(ck::CKA_VALUE, vec![0_u8; 800])).is_ok());
}

#[test]
fn slh_dsa_keys() {
    let template = |set| object(ck::CKO_PRIVATE_KEY, ck::CKK_SLH_DSA).with(ck::CKA_PARAMETER_SET, set);
    let set = [(ck::CKA_PARAMETER_SET, Value::Ulong(ck::CKP_SLH_DSA_SHA2_128F))];
    let (public, private) = generated(ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, &set);
    let value = private.bytes(ck::CKA_VALUE).unwrap().to_vec();
    assert_eq!((value.len(), public.bytes(ck::CKA_VALUE)), (64, Some(&value[32..])));
    let created = completed(template(ck::CKP_SLH_DSA_SHA2_128F).with(ck::CKA_VALUE, value.clone())).unwrap();
    assert_eq!(created.bytes(ck::CKA_PUBLIC_KEY_INFO), public.bytes(ck::CKA_PUBLIC_KEY_INFO));
    assert_eq!(completed(template(ck::CKP_SLH_DSA_SHA2_128F)), Err(TemplateIncomplete));
    assert_eq!(completed(template(13).with(ck::CKA_VALUE, value.clone())), Err(ParameterSetNotSupported));
    for wrong in [ck::CKP_SLH_DSA_SHAKE_128F, ck::CKP_SLH_DSA_SHA2_192F] {
        let crossed = template(wrong).with(ck::CKA_VALUE, value.clone());
        assert_eq!(completed(crossed), Err(AttributeValueInvalid));
    }
}

#[test]
fn certificates() {
    let certificate = |value: Vec<u8>| object(ck::CKO_CERTIFICATE, 0).with(ck::CKA_VALUE, value);
    let done = completed(certificate(hex(vectors::CERTIFICATE))).unwrap();
    assert_eq!(done.bytes(ck::CKA_PUBLIC_KEY_INFO), Some(&hex(vectors::EC_SPKI)[..]));
    assert_eq!(done.bytes(ck::CKA_CHECK_VALUE).map(<[u8]>::len), Some(3));
    let odd = completed(certificate(b"no certificate at all".to_vec())).unwrap();
    assert!(odd.bytes(ck::CKA_PUBLIC_KEY_INFO).is_none());
}

/// Every type of pair, generated, through its wrapped encoding into a new object that holds the same key.
#[test]
fn private_keys_survive_wrapping() {
    let generations: &[(ck::CK_MECHANISM_TYPE, ck::CK_KEY_TYPE, ck::CK_ATTRIBUTE_TYPE, Value)] = &[
        (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA, ck::CKA_MODULUS_BITS, Value::Ulong(1024)),
        (ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, ck::CKA_EC_PARAMS, Value::from(P256)),
        (
            ck::CKM_EC_KEY_PAIR_GEN,
            ck::CKK_EC,
            ck::CKA_EC_PARAMS,
            Value::from(&[6, 5, 0x2b, 0x81, 4, 0, 0x22]),
        ),
        (
            ck::CKM_EC_KEY_PAIR_GEN,
            ck::CKK_EC,
            ck::CKA_EC_PARAMS,
            Value::from(&[6, 5, 0x2b, 0x81, 4, 0, 0x23]),
        ),
        (
            ck::CKM_EC_KEY_PAIR_GEN,
            ck::CKK_EC,
            ck::CKA_EC_PARAMS,
            Value::from(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a]),
        ),
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, ck::CKA_EC_PARAMS, Value::from(ED25519)),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, ck::CKA_EC_PARAMS, Value::from(X25519)),
        (ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA, ck::CKA_PARAMETER_SET, Value::Ulong(ck::CKP_ML_DSA_87)),
        (
            ck::CKM_SLH_DSA_KEY_PAIR_GEN,
            ck::CKK_SLH_DSA,
            ck::CKA_PARAMETER_SET,
            Value::Ulong(ck::CKP_SLH_DSA_SHAKE_192F),
        ),
        (
            ck::CKM_ML_KEM_KEY_PAIR_GEN,
            ck::CKK_ML_KEM,
            ck::CKA_PARAMETER_SET,
            Value::Ulong(ck::CKP_ML_KEM_512),
        ),
    ];
    for (kind, key_type, name, value) in generations {
        let (public, private) = generated(*kind, *key_type, &[(*name, value.clone())]);
        let info = private.bytes(ck::CKA_PUBLIC_KEY_INFO);
        assert_eq!(info, public.bytes(ck::CKA_PUBLIC_KEY_INFO));
        let encoding = wrap_encoding(&private).unwrap();
        for zeros in [0, 1, 15] {
            let padded = [&encoding[..], &vec![0; zeros]].concat();
            let mut copy = object(ck::CKO_PRIVATE_KEY, *key_type);
            unwrap_into(&mut copy, padded.into()).unwrap();
            assert_eq!(copy.bytes(ck::CKA_PUBLIC_KEY_INFO), info);
            assert_eq!(wrap_encoding(&copy).unwrap(), encoding);
        }
        let mut other =
            object(ck::CKO_PRIVATE_KEY, if *key_type == ck::CKK_EC { ck::CKK_RSA } else { ck::CKK_EC });
        assert_eq!(unwrap_into(&mut other, encoding.clone()).unwrap_err().kind(), WrappedKeyInvalid);
        let mut cut = object(ck::CKO_PRIVATE_KEY, *key_type);
        let short = SecretBytes::from(&encoding[..encoding.len() - 1]);
        assert_eq!(unwrap_into(&mut cut, short).unwrap_err().kind(), WrappedKeyInvalid);
        assert_eq!(wrap_encoding(&public).unwrap_err().kind(), KeyNotWrappable);
    }
}

#[test]
fn encodings_of_another_implementation() {
    for (key_type, encoding) in
        [(ck::CKK_EC, vectors::EC_PKCS8), (ck::CKK_EC_EDWARDS, vectors::ED25519_PKCS8)]
    {
        let mut private = object(ck::CKO_PRIVATE_KEY, key_type);
        unwrap_into(&mut private, hex(encoding).into()).unwrap();
        assert_eq!(private.bytes(ck::CKA_VALUE), Some(&[0x11; 32][..]));
    }
}

#[test]
fn generation_refuses_templates() {
    let generate = |kind, template: Attributes| {
        let nothing = Attributes::new();
        row(kind).ops.generate_pair.unwrap()(&Params::None, &template, &nothing).unwrap_err().kind()
    };
    let rsa = |bits| Attributes::new().with(ck::CKA_MODULUS_BITS, wanted(bits));
    assert_eq!(generate(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, Attributes::new()), TemplateIncomplete);
    assert_eq!(generate(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(511)), AttributeValueInvalid);
    assert_eq!(generate(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(usize::MAX)), AttributeValueInvalid);
    let even = rsa(1024).with(ck::CKA_PUBLIC_EXPONENT, &[4]);
    assert_eq!(generate(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, even), AttributeValueInvalid);
    assert_eq!(generate(ck::CKM_EC_KEY_PAIR_GEN, Attributes::new()), TemplateIncomplete);
    let crossed = Attributes::new().with(ck::CKA_EC_PARAMS, P256);
    assert_eq!(generate(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, crossed), CurveNotSupported);
    assert_eq!(generate(ck::CKM_ML_DSA_KEY_PAIR_GEN, Attributes::new()), TemplateIncomplete);
}

#[test]
fn objects_that_are_no_keys() {
    let data = Attributes::new().with(ck::CKA_CLASS, ck::CKO_DATA).with(ck::CKA_VALUE, b"x".as_slice());
    assert_eq!(completed(data.clone()).as_ref(), Ok(&data));
    assert_eq!(key(&data).unwrap_err().kind(), KeyHandleInvalid);
}

/// The path of C_CreateObject, C_DeriveKey and C_UnwrapKey: the object's rules first, then the material.
#[test]
fn material_goes_with_the_rules_of_objects() {
    use crate::object::{self, Caller, Inherit, Template};
    let user = Caller { so: false, user: true };
    let template: Template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_EC)
        .with(ck::CKA_EC_PARAMS, P256)
        .with(ck::CKA_EC_POINT, hex(vectors::EC_POINT))
        .with(ck::CKA_VALUE, &[0x11; 32])
        .with(ck::CKA_DERIVE, true);
    let base = completed(object::create(template, &user).unwrap()).unwrap();
    assert!(object::reveal(&base, ck::CKA_EC_POINT).is_ok());
    assert!(object::reveal(&base, ck::CKA_PUBLIC_KEY_INFO).is_ok());

    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_AES)
        .with(ck::CKA_VALUE_LEN, wanted(16));
    let mut derived = object::derive(template, &base, &[], Inherit::Template, &user).unwrap();
    let len = wanted_len(&derived).unwrap();
    let params = Params::Ecdh { kdf: ck::CKD_NULL, shared: Vec::new(), public: hex(vectors::ECDH_PEER) };
    let value = super::value(ck::CKM_ECDH1_DERIVE, &key(&base).unwrap(), &params, len).unwrap();
    fill_secret(&mut derived, value).unwrap();
    assert_eq!(derived.bytes(ck::CKA_VALUE), Some(&hex(vectors::ECDH_SECRET)[16..]));
    assert!(derived.bytes(ck::CKA_CHECK_VALUE).is_some());
}

#[test]
fn short_rsa_keys_are_legacy() {
    let (private, public) = rsa();
    assert!(private.is_legacy() && public.is_legacy());
    assert!(!ec().0.is_legacy());
}

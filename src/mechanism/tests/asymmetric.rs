//! Keys on the curves of 448 bits, keys in prime fields, recoverable signatures, and wrapping under keys made for one use.

use super::super::Params;
use super::*;
use crate::crypto::{self, DhGroup, DhPrivate, DsaGroup, DsaPrivate};
use ErrorKind::*;

const ED448: &[u8] = &[6, 3, 0x2b, 0x65, 0x71];
const X448: &[u8] = &[6, 3, 0x2b, 0x65, 0x6f];
pub(super) const SECP256K1: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x0a];

fn wrap(
    kind: ck::CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    encoding: &[u8],
) -> Result<Vec<u8>, ErrorKind> {
    row(kind).ops.wrap.unwrap()(key, params, encoding).map_err(|e| e.kind())
}

fn unwrap(
    kind: ck::CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    wrapped: &[u8],
) -> Result<Vec<u8>, ErrorKind> {
    row(kind).ops.unwrap.unwrap()(key, params, wrapped, None).map(|key| key.to_vec()).map_err(|e| e.kind())
}

/// A pair of DSA.
pub(super) fn dsa() -> (Key, Key) {
    pair(PrivateKey::Dsa(DsaPrivate::generate(&DsaGroup::generate(1024, 160).unwrap()).unwrap()))
}

#[test]
fn ed448_schemes() {
    let curve = [(ck::CKA_EC_PARAMS, Value::from(ED448))];
    let (private, public) = keys(&generated(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, &curve));
    let scheme = |prehash, context: &[u8]| Params::Eddsa { prehash, context: context.to_vec() };
    let schemes =
        [Params::None, scheme(false, b"a"), scheme(false, b"b"), scheme(true, b""), scheme(true, b"a")];
    let signatures: Vec<_> =
        schemes.iter().map(|params| sign(ck::CKM_EDDSA, &private, params, b"x").unwrap()).collect();
    for (i, params) in schemes.iter().enumerate() {
        assert_eq!(signatures[i].len(), 114);
        assert_eq!(sign_parts(ck::CKM_EDDSA, &private, params, b"x").as_ref(), Ok(&signatures[i]));
        for (j, signature) in signatures.iter().enumerate() {
            let expected = if i == j { Ok(()) } else { Err(SignatureInvalid) };
            assert_eq!(verify(ck::CKM_EDDSA, &public, params, b"x", signature), expected, "{i} {j}");
        }
    }
    assert_eq!(sign(ck::CKM_EDDSA, &private, &scheme(false, b""), b"x").as_ref(), Ok(&signatures[0]));
    assert_eq!(sign(ck::CKM_EDDSA, &private, &scheme(true, &[0; 256]), b"x"), Err(MechanismParamInvalid));
    let cut = verify(ck::CKM_EDDSA, &public, &Params::None, b"x", &signatures[0][..64]);
    assert_eq!(cut, Err(SignatureLenRange));
}

#[test]
fn attributes_of_the_curves_of_448_bits() {
    for (kind, key_type, params, len) in [
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, ED448, 57),
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, &b"\x13\x0aedwards448"[..], 57),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, X448, 56),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, &b"\x13\x08curve448"[..], 56),
    ] {
        let (public, private) = generated(kind, key_type, &[(ck::CKA_EC_PARAMS, params.into())]);
        for half in [&public, &private] {
            assert_eq!(half.bytes(ck::CKA_EC_PARAMS), Some(params), "the curve is named as the template did");
            assert_eq!(half.bytes(ck::CKA_EC_POINT).map(<[u8]>::len), Some(len));
        }
        assert_eq!(private.bytes(ck::CKA_VALUE).map(<[u8]>::len), Some(len));
        let mut again = object(ck::CKO_PRIVATE_KEY, key_type)
            .with(ck::CKA_EC_PARAMS, params)
            .with(ck::CKA_VALUE, private.bytes(ck::CKA_VALUE).unwrap());
        attributes::complete_created(&mut again).unwrap();
        assert_eq!(again.bytes(ck::CKA_EC_POINT), public.bytes(ck::CKA_EC_POINT));
        let mut short = again.clone();
        short.set(ck::CKA_VALUE, &[1; 32]);
        assert_eq!(attributes::complete_created(&mut short).unwrap_err().kind(), AttributeValueInvalid);
        let mut other = again.clone();
        other.set(ck::CKA_EC_POINT, &[&[9], &vec![0; len - 1][..]].concat()[..]);
        assert_eq!(attributes::complete_created(&mut other).unwrap_err().kind(), AttributeValueInvalid);
    }
    // Each family has its own curves.
    let wrong = object(ck::CKO_PUBLIC_KEY, ck::CKK_EC_EDWARDS).with(ck::CKA_EC_PARAMS, X448);
    let generate = row(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN).ops.generate_pair.unwrap();
    assert_eq!(generate(&Params::None, &wrong, &wrong).unwrap_err().kind(), CurveNotSupported);
}

#[test]
fn cofactor_agreement_is_the_same_on_these_curves() {
    let (private, _) = ec();
    let peer = hex(vectors::ECDH_PEER);
    let params = Params::Ecdh { kdf: ck::CKD_NULL, shared: Vec::new(), public: peer };
    let derived = value(ck::CKM_ECDH1_COFACTOR_DERIVE, &private, &params, None).unwrap();
    assert_eq!(derived[..], hex(vectors::ECDH_SECRET));
    assert!(!row(ck::CKM_ECDH1_COFACTOR_DERIVE).takes(ck::CKK_EC_MONTGOMERY));
}

#[test]
fn dh_pairs_and_what_they_share() {
    let group = DhGroup::of_size(2048).unwrap();
    let (p, g) = (group.p().unwrap(), group.g().unwrap());
    // A prime with a leading zero stays as its owner wrote it.
    let domain = [(ck::CKA_PRIME, [&[0], &p[..]].concat().into()), (ck::CKA_BASE, g.clone().into())];
    let (public, private) = generated(ck::CKM_DH_PKCS_KEY_PAIR_GEN, ck::CKK_DH, &domain);
    assert_eq!(public.bytes(ck::CKA_PRIME).map(<[u8]>::len), Some(257));
    assert_eq!(private.bytes(ck::CKA_PRIME), Some(&p[..]));
    let bits = private.ulong(ck::CKA_VALUE_BITS).unwrap();
    assert!((190..=225).contains(&bits), "{bits}");
    let (own, _) = keys(&(public.clone(), private.clone()));

    let third = DhPrivate::generate(&group, None).unwrap();
    let params = Params::PublicValue(third.public().y().unwrap());
    let derive = |key: &_, params: &_, len| value(ck::CKM_DH_PKCS_DERIVE, key, params, len);
    let shared = derive(&own, &params, None).unwrap();
    assert_eq!(shared, third.agree(public.bytes(ck::CKA_VALUE).unwrap()).unwrap());
    assert_eq!(derive(&own, &params, Some(32)).unwrap()[..], shared[224..], "cut at the leading end");
    assert_eq!(derive(&own, &params, Some(257)).unwrap_err().kind(), KeySizeRange);
    for bad in [&[][..], &[1], &p] {
        let refusal = derive(&own, &Params::PublicValue(bad.to_vec()), None).unwrap_err();
        assert_eq!(refusal.kind(), MechanismParamInvalid, "{bad:x?}");
    }
    assert_eq!(derive(&ec().0, &params, None).unwrap_err().kind(), KeyTypeInconsistent);

    let mut imported = object(ck::CKO_PRIVATE_KEY, ck::CKK_DH)
        .with(ck::CKA_PRIME, p)
        .with(ck::CKA_BASE, g)
        .with(ck::CKA_VALUE, private.bytes(ck::CKA_VALUE).unwrap());
    attributes::complete_created(&mut imported).unwrap();
    assert_eq!(imported.ulong(ck::CKA_VALUE_BITS), Some(bits));
    assert_eq!(imported.bytes(ck::CKA_PUBLIC_KEY_INFO), public.bytes(ck::CKA_PUBLIC_KEY_INFO));
}

#[test]
fn dh_private_values_have_the_wanted_length() {
    let group = DhGroup::of_size(2048).unwrap();
    let public = object(ck::CKO_PUBLIC_KEY, ck::CKK_DH)
        .with(ck::CKA_PRIME, group.p().unwrap())
        .with(ck::CKA_BASE, group.g().unwrap());
    let generate = row(ck::CKM_DH_PKCS_KEY_PAIR_GEN).ops.generate_pair.unwrap();
    let of = |bits: usize| {
        let private = object(ck::CKO_PRIVATE_KEY, ck::CKK_DH).with(ck::CKA_VALUE_BITS, wanted(bits));
        generate(&Params::None, &public, &private)
    };
    let PrivateKey::Dh(key) = of(600).unwrap() else { panic!() };
    assert!((568..=600).contains(&key.value_bits()));
    for bits in [8, 2048, usize::MAX] {
        assert_eq!(of(bits).unwrap_err().kind(), AttributeValueInvalid, "{bits}");
    }
    let nothing = object(ck::CKO_PUBLIC_KEY, ck::CKK_DH);
    assert_eq!(generate(&Params::None, &nothing, &nothing).unwrap_err().kind(), TemplateIncomplete);
}

#[test]
fn dh_below_2048_bits_is_legacy() {
    let small = DhPrivate::from_value(&DhGroup::new(&hex(DH_1024), &[2]).unwrap(), &[7; 100]).unwrap();
    let (private, public) = pair(PrivateKey::Dh(small));
    assert!(private.is_legacy() && public.is_legacy());
    let (private, public) =
        pair(PrivateKey::Dh(DhPrivate::generate(&DhGroup::of_size(2048).unwrap(), None).unwrap()));
    assert!(!private.is_legacy() && !public.is_legacy());
}

#[test]
fn dsa_pairs() {
    let group = DsaGroup::generate(1024, 160).unwrap();
    let domain = [
        (ck::CKA_PRIME, group.p().unwrap().into()),
        (ck::CKA_SUBPRIME, group.q().unwrap().into()),
        (ck::CKA_BASE, group.g().unwrap().into()),
    ];
    let made = generated(ck::CKM_DSA_KEY_PAIR_GEN, ck::CKK_DSA, &domain);
    let (private, public) = keys(&made);
    let signature = sign(ck::CKM_DSA_SHA256, &private, &Params::None, b"x").unwrap();
    assert_eq!(signature.len(), 40);
    // The combined mechanism signs what the bare one signs of its digest.
    let digest = crypto::digest(crypto::Hash::Sha256, b"x");
    assert_eq!(verify(ck::CKM_DSA, &public, &Params::None, &digest, &signature), Ok(()));
    for len in [0, 19, 21, 65] {
        assert_eq!(sign(ck::CKM_DSA, &private, &Params::None, &vec![1; len]), Err(DataLenRange), "{len}");
    }
    let mut imported = object(ck::CKO_PRIVATE_KEY, ck::CKK_DSA);
    for kind in [ck::CKA_PRIME, ck::CKA_SUBPRIME, ck::CKA_BASE, ck::CKA_VALUE] {
        imported.set(kind, made.1.bytes(kind).unwrap());
    }
    attributes::complete_created(&mut imported).unwrap();
    assert_eq!(imported.bytes(ck::CKA_PUBLIC_KEY_INFO), made.0.bytes(ck::CKA_PUBLIC_KEY_INFO));
    imported.set(ck::CKA_BASE, &[2]);
    assert_eq!(attributes::complete_created(&mut imported).unwrap_err().kind(), AttributeValueInvalid);
}

#[test]
fn private_keys_of_every_type_come_through_a_wrapping() {
    let mut types = vec![
        (ck::CKK_RSA, rsa().0),
        (ck::CKK_EC, ec().0),
        (ck::CKK_DSA, dsa().0),
        (
            ck::CKK_DH,
            pair(PrivateKey::Dh(DhPrivate::generate(&DhGroup::of_size(2048).unwrap(), None).unwrap())).0,
        ),
    ];
    for curve in crypto::OkpCurve::ALL {
        let key_type = match crypto::OkpCurve::EDWARDS.contains(&curve) {
            true => ck::CKK_EC_EDWARDS,
            false => ck::CKK_EC_MONTGOMERY,
        };
        types.push((key_type, pair(PrivateKey::generate_okp(curve).unwrap()).0));
    }
    let kek = aes(&[1; 32]);
    let (rsa_private, rsa_public) = rsa();
    let oaep = Params::Oaep { hash: ck::CKM_SHA_1, mgf: ck::CKG_MGF1_SHA1, label: Vec::new() };
    let hybrid = Params::RsaAesWrap { aes_bits: 256, oaep: Box::new(oaep) };
    let gcm = Params::Gcm { iv: vec![2; 12].into(), aad: Vec::new(), tag_bits: 128 };
    for (key_type, key) in types {
        let Key::Private(private) = &key else { panic!() };
        let encoding = private.to_pkcs8().unwrap();
        for (kind, params, public, private) in [
            (ck::CKM_AES_CBC_PAD, Params::Iv(vec![2; 16].into()), &kek, &kek),
            (ck::CKM_AES_GCM, gcm.clone(), &kek, &kek),
            (ck::CKM_AES_KEY_WRAP_KWP, Params::None, &kek, &kek),
            (ck::CKM_RSA_AES_KEY_WRAP, hybrid.clone(), &rsa_public, &rsa_private),
        ] {
            let wrapped = wrap(kind, public, &params, &encoding).unwrap();
            let unwrapped = unwrap(kind, private, &params, &wrapped).unwrap();
            let mut back = object(ck::CKO_PRIVATE_KEY, key_type);
            attributes::unwrap_into(&mut back, unwrapped.into()).unwrap();
            let again = attributes::wrap_encoding(&back).unwrap();
            assert_eq!(again, encoding, "{} {key_type}", row(kind).name);
        }
    }
}

fn rsa_aes(aes_bits: ck::CK_ULONG) -> Params {
    let oaep = Params::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA256, label: Vec::new() };
    Params::RsaAesWrap { aes_bits, oaep: Box::new(oaep) }
}

#[test]
fn rsa_aes_key_wrap_of_another_implementation() {
    let kind = ck::CKM_RSA_AES_KEY_WRAP;
    let (private, public) = rsa();
    let secret: Vec<u8> = (0..20).collect();
    let blob = hex(RSA_BLOB);
    assert_eq!(unwrap(kind, &private, &rsa_aes(256), &blob).as_ref(), Ok(&secret));
    assert_eq!(unwrap(kind, &private, &rsa_aes(128), &blob), Err(WrappedKeyInvalid), "another length of key");
    for at in [0, 127, 128, blob.len() - 1] {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        assert_eq!(unwrap(kind, &private, &rsa_aes(256), &changed), Err(WrappedKeyInvalid), "{at}");
    }
    for len in [0, 127, 128, 136, blob.len() - 1] {
        assert_eq!(unwrap(kind, &private, &rsa_aes(256), &blob[..len]), Err(WrappedKeyLenRange), "{len}");
    }
    for bits in [128, 192, 256] {
        let wrapped = wrap(kind, &public, &rsa_aes(bits), &secret).unwrap();
        assert_eq!(unwrap(kind, &private, &rsa_aes(bits), &wrapped).as_ref(), Ok(&secret));
    }
    for bits in [0, 64, 257] {
        assert_eq!(wrap(kind, &public, &rsa_aes(bits), &secret), Err(MechanismParamInvalid));
    }
    assert_eq!(wrap(kind, &public, &Params::None, &secret), Err(MechanismParamInvalid));
    assert_eq!(wrap(kind, &ec().1, &rsa_aes(256), &secret), Err(KeyTypeInconsistent));
}

fn ecdh_aes(aes_bits: ck::CK_ULONG, kdf: ck::CK_EC_KDF_TYPE) -> Params {
    let shared = if kdf == ck::CKD_NULL { Vec::new() } else { b"info".to_vec() };
    Params::EcdhAesWrap { aes_bits, kdf, shared }
}

fn okp_pair(curve: &[u8], value: &[u8]) -> (Key, Key) {
    let private = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC_MONTGOMERY)
        .with(ck::CKA_EC_PARAMS, curve)
        .with(ck::CKA_VALUE, value);
    match attributes::key(&private).unwrap() {
        Key::Private(key) => pair(key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ecdh_aes_key_wrap_of_another_implementation() {
    let secret: Vec<u8> = (0..20).collect();
    let (weierstrass, montgomery) = (
        [ck::CKM_ECDH_AES_KEY_WRAP, ck::CKM_ECDH_COF_AES_KEY_WRAP],
        [ck::CKM_ECDH_AES_KEY_WRAP, ck::CKM_ECDH_X_AES_KEY_WRAP],
    );
    for (kinds, (private, public), params, blob) in [
        (weierstrass, ec(), ecdh_aes(256, ck::CKD_SHA256_KDF), EC_BLOB),
        (weierstrass, ec(), ecdh_aes(128, ck::CKD_NULL), EC_NULL_BLOB),
        (montgomery, okp_pair(X25519, &[0x11; 32]), ecdh_aes(192, ck::CKD_SHA256_KDF), X25519_BLOB),
        (montgomery, okp_pair(X448, &[0x11; 56]), ecdh_aes(256, ck::CKD_SHA256_KDF), X448_BLOB),
    ] {
        let blob = hex(blob);
        for kind in kinds {
            let name = row(kind).name;
            assert_eq!(unwrap(kind, &private, &params, &blob).as_ref(), Ok(&secret), "{name}");
            let (first, second) = (
                wrap(kind, &public, &params, &secret).unwrap(),
                wrap(kind, &public, &params, &secret).unwrap(),
            );
            assert_eq!(first.len(), blob.len(), "{name}");
            assert_ne!(first, second, "{name}: a key for one use");
            assert_eq!(unwrap(kind, &private, &params, &first).as_ref(), Ok(&secret), "{name}");
            for at in [10, blob.len() - 1] {
                let mut changed = blob.clone();
                changed[at] ^= 1;
                assert_eq!(unwrap(kind, &private, &params, &changed), Err(WrappedKeyInvalid), "{name} {at}");
            }
            for len in [0, 1, 31, blob.len() - 32, blob.len() - 1] {
                assert_eq!(
                    unwrap(kind, &private, &params, &blob[..len]),
                    Err(WrappedKeyLenRange),
                    "{name} {len}"
                );
            }
            assert_eq!(
                wrap(kind, &public, &ecdh_aes(100, ck::CKD_NULL), &secret),
                Err(MechanismParamInvalid)
            );
            assert_eq!(wrap(kind, &public, &ecdh_aes(128, 99), &secret), Err(MechanismParamInvalid));
        }
    }
}

#[test]
fn a_bare_point_is_taken_before_a_wrapped_key() {
    let (private, _) = ec();
    let bare = &hex(EC_BLOB)[2..];
    let unwrapped = unwrap(ck::CKM_ECDH_AES_KEY_WRAP, &private, &ecdh_aes(256, ck::CKD_SHA256_KDF), bare);
    assert_eq!(unwrapped, Ok((0..20).collect()));
}

#[test]
fn recoverable_signatures_are_of_secp256k1() {
    let kind = ck::CKM_KEYWARD_ECDSA_RECOVERABLE;
    let curve = [(ck::CKA_EC_PARAMS, Value::from(SECP256K1))];
    let (private, public) = keys(&generated(ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, &curve));
    let signature = sign(kind, &private, &Params::None, &[5; 32]).unwrap();
    assert_eq!(signature.len(), 65);
    assert_eq!(verify(ck::CKM_ECDSA, &public, &Params::None, &[5; 32], &signature[..64]), Ok(()));
    assert_eq!(sign(kind, &private, &Params::None, &[5; 20]), Err(DataLenRange));
    assert_eq!(sign(kind, &ec().0, &Params::None, &[5; 32]), Err(KeyTypeInconsistent));
    assert_eq!(verify(kind, &ec().1, &Params::None, &[5; 32], &signature), Err(KeyTypeInconsistent));
}

/// The bytes 0 to 19 under the RSA key of `vectors`, OAEP with SHA-256.
const RSA_BLOB: &str = concat!(
    "b592c86830aba7b44b56341a5b767ad2a94a9bc15aa6463177c1862089f28207b85bfe02d2788ec3b689774833ec3312939a",
    "9770813c3e2d93096609c00252abbe1597b22fd4d975cacefbfc5b8afe5260c2201f447fc4cb8d3c94626b7b65bad30ecec0",
    "4c4bce0c3df595d337ffa4bc1da61443b77d2faa1d8171d8d55645c7d1b9ae5fb53f2bd1cae78c507b2081e655b12bccb044",
    "7739ddac244629734b5d",
);

/// The same under the P-256 key 1111...11, from the one-time key 2222...22: CKD_SHA256_KDF with "info", 256 bits.
const EC_BLOB: &str = concat!(
    "044104d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf350185e895372df6221ea3a137557e4",
    "73fddb6755f05bd507c3c533fce9c912850d31e59dba3f46701c10cc07cdeb869776f88884f667305389d34b9e5e2bc638",
);

/// The same with CKD_NULL and 128 bits.
const EC_NULL_BLOB: &str = concat!(
    "044104d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf350185e895372df6221ea3a137557e4",
    "73fddb6755f05bd507c3c533fce9c9128533266c1b86f810b7d954f9e0ab4f6f4bbb8f99ed23e72fadcafbb9bcc26d42da",
);

/// The same on X25519, with CKD_SHA256_KDF and 192 bits.
const X25519_BLOB: &str = concat!(
    "0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f207251648a7e178e5a04b9e48578f304ffaab7",
    "b71e4abd3b67f0548cc3a783afc1",
);

/// The same on X448, with CKD_SHA256_KDF and 256 bits.
const X448_BLOB: &str = concat!(
    "98e8a07dc1c0b4701d3d791e6d4e11d2c898919f3c6336b9c638dc543c4f6df664bd64edf27db87879d61ab2e5233e51c552",
    "08c34079a0b64a56ec452279a0cc011aefd35c997df5906ebc806d6b7469489fe8ef816ef4b4",
);

/// A safe prime of 1024 bits.
const DH_1024: &str = concat!(
    "9ce12dfbde714d4ee7e284c2115ba304e306b7ce4c7b7e463a8cc2c76dfae848fe44e39b633d9e80d08ca59d97bd65044531",
    "63ac7b50e495e9c29f4c4d1e83b0134d3a425a0985432e674f7e26edac80ef449ebd856ad4a234db7b2628d924f4b74ca498",
    "f2d05a92a3bac57dbc8282104022b8edab6fab0c3e0fc418099d487f",
);

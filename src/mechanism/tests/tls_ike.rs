//! The key derivations of TLS 1.2 and IKE, against another implementation.

use super::super::params::{
    Ike1Extended, Ike1Prf, Ike2PrfPlus, IkePrf, Kdf, Params, Randoms, Reply, TlsExtendedMaster, TlsKdf,
    TlsKeyMaterial, TlsMac, TlsMaster,
};
use super::kdf::{base, derive, generic, kdf, len, value_of};
use super::*;
use crate::object::Template;
use ErrorKind::*;

/// A pre-master secret of TLS 1.2; the same bytes serve as a master secret.
fn pre_master() -> Attributes {
    generic(&[3, 3].into_iter().chain(0..46).collect::<Vec<u8>>())
}

/// A shared secret of Diffie-Hellman.
fn agreed() -> Attributes {
    generic(&(7..72).collect::<Vec<u8>>())
}

fn randoms() -> Randoms {
    Randoms { client: (32..64).collect(), server: (64..96).collect() }
}

fn session_hash() -> Vec<u8> {
    crate::crypto::digest(crate::crypto::Hash::Sha256, b"handshake").to_vec()
}

fn master(hash: ck::CK_MECHANISM_TYPE, version: Option<Reply<[u8; 2]>>) -> Params {
    kdf(Kdf::TlsMaster(TlsMaster { hash, randoms: randoms(), version }))
}

fn extended(version: Option<Reply<[u8; 2]>>) -> Params {
    let hash = ck::CKM_SHA256;
    kdf(Kdf::TlsExtendedMaster(TlsExtendedMaster { hash, session_hash: session_hash(), version }))
}

#[test]
fn master_secrets() {
    let version = Reply::default();
    let run = |kind, base: &Attributes, params| derive(kind, (base, &[]), params, &Template::new());
    let made =
        run(ck::CKM_TLS12_MASTER_KEY_DERIVE, &pre_master(), master(ck::CKM_SHA256, Some(version.clone())));
    assert_eq!(version.take(), Some([3, 3]));
    let key = &made.as_ref().unwrap()[0];
    assert_eq!(key.key_type(), Some(ck::CKK_GENERIC_SECRET));
    assert!(key.mechanisms(ck::CKA_ALLOWED_MECHANISMS).unwrap().contains(&ck::CKM_TLS12_KEY_AND_MAC_DERIVE));
    assert_eq!(
        value_of(made).unwrap(),
        hex(
            "9154519d6f3e3e6e8973e259b10e6ada1172b9daf89e6078cf4f4ada6bcfdd981832f7099ff1236672d172db4871dd34"
        )
    );
    for (kind, base, params, expected) in [
        (
            ck::CKM_TLS12_MASTER_KEY_DERIVE_DH,
            agreed(),
            master(ck::CKM_SHA384, None),
            "3d9418897f883490458d1ce26570fb7e1fd2f130662e2477743959949c4fd51bb91b95bbb7551e9f4de191fd6e63d3ff",
        ),
        (
            ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
            pre_master(),
            extended(Some(Reply::default())),
            "6d4c452f87f72fa9a3e572147a2cb528af7b698ec87d73e1ca9fc2df87b0ee55d31611cbdd05f697bfae0be5768465b2",
        ),
        (
            ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
            agreed(),
            extended(None),
            "cae4f36de7b664d7cef156c33f57ec3cbd233e1a180f9e02417627684f578507624b85a963811a7c762ab3eeb81d2829",
        ),
    ] {
        assert_eq!(value_of(run(kind, &base, params)).unwrap(), hex(expected), "{kind:#x}");
    }
    let sha256 = |version| master(ck::CKM_SHA256, version);
    assert_eq!(run(ck::CKM_TLS12_MASTER_KEY_DERIVE, &agreed(), sha256(None)), Err(KeySizeRange));
    let versioned = run(ck::CKM_TLS12_MASTER_KEY_DERIVE_DH, &agreed(), sha256(Some(Reply::default())));
    assert_eq!(versioned, Err(MechanismParamInvalid));
    for (template, error) in [
        (len(47), KeySizeRange),
        (Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_SHA256_HMAC), TemplateInconsistent),
        (
            Template::new().with(ck::CKA_ALLOWED_MECHANISMS, Value::Mechanisms(vec![ck::CKM_HKDF_DERIVE])),
            TemplateInconsistent,
        ),
    ] {
        let refused = derive(ck::CKM_TLS12_MASTER_KEY_DERIVE_DH, (&agreed(), &[]), sha256(None), &template);
        assert_eq!(refused, Err(error));
    }
}

fn material(mac_bits: ck::CK_ULONG, key_bits: ck::CK_ULONG, iv_bits: ck::CK_ULONG) -> TlsKeyMaterial {
    TlsKeyMaterial {
        hash: ck::CKM_SHA256,
        mac_bits,
        key_bits,
        iv_bits,
        export: false,
        randoms: randoms(),
        macs: Default::default(),
        keys: Default::default(),
        ivs: Default::default(),
    }
}

#[test]
fn traffic_keys() {
    let block = hex(
        "36b567f690b066ed3b236b0ca91b82be304e325b805b7894a6b9707ee9b62b77058292251793a61f21de0ecd2054c000f8aa688429f52f60ebe03b7c46bc32dc4c78944a575f1102a7668e90dd9680bd2101201ac7a1156e012175d34a0040690899fd13fcb9cef0",
    );
    let template = Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_AES).with(ck::CKA_LABEL, "traffic");
    let run = |params: &TlsKeyMaterial, template: &Template| {
        let params = kdf(Kdf::TlsKeyMaterial(params.clone()));
        derive(ck::CKM_TLS12_KEY_AND_MAC_DERIVE, (&pre_master(), &[]), params, template)
    };
    let params = material(160, 128, 128);
    let keys = run(&params, &template).unwrap();
    let values: Vec<_> = keys.iter().map(|key| key.bytes(ck::CKA_VALUE).unwrap()).collect();
    assert_eq!(values, [&block[..20], &block[20..40], &block[40..56], &block[56..72]]);
    assert_eq!(params.ivs[0].take().unwrap()[..], block[72..88]);
    assert_eq!(params.ivs[1].take().unwrap()[..], block[88..104]);
    for mac in &keys[..2] {
        assert_eq!(mac.key_type(), Some(ck::CKK_GENERIC_SECRET));
        assert!(mac.flag(ck::CKA_SIGN) && mac.flag(ck::CKA_VERIFY) && mac.flag(ck::CKA_EXTRACTABLE));
        assert_eq!(mac.bytes(ck::CKA_LABEL), Some(&b"traffic"[..]));
    }
    for key in &keys[2..] {
        assert_eq!(key.key_type(), Some(ck::CKK_AES));
        assert!(key.flag(ck::CKA_ENCRYPT) && key.flag(ck::CKA_DECRYPT) && key.flag(ck::CKA_DERIVE));
    }
    assert_eq!(run(&material(0, 128, 0), &template).unwrap().len(), 2, "an AEAD has no MAC keys");
    for (params, error) in [
        (material(0, 0, 128), MechanismParamInvalid),
        (material(7, 128, 0), MechanismParamInvalid),
        (material(0, 512, 0), MechanismParamInvalid),
        (material(0, 128, 1024), MechanismParamInvalid),
        (material(ck::CK_ULONG::MAX - 7, 128, 0), MechanismParamInvalid),
        (TlsKeyMaterial { export: true, ..material(160, 128, 0) }, MechanismParamInvalid),
        (material(0, 40, 0), KeySizeRange),
    ] {
        assert_eq!(run(&params, &template), Err(error));
    }
    let closed = template.with(ck::CKA_SENSITIVE, true);
    assert_eq!(run(&material(160, 128, 0), &closed), Err(TemplateInconsistent), "exactly as the base key");
}

#[test]
fn exported_keying_material() {
    let run = |prf, context: Option<&[u8]>| {
        let label = b"EXPORTER-test".to_vec();
        let params = TlsKdf { prf, label, randoms: randoms(), context: context.map(<[u8]>::to_vec) };
        value_of(derive(ck::CKM_TLS_KDF, (&pre_master(), &[]), kdf(Kdf::TlsKdf(params)), &len(60)))
    };
    for (prf, context, expected) in [
        (
            ck::CKM_SHA256,
            Some(&b"ctx"[..]),
            "f9572b0e129e333e532506dc8507d17655ba60e0547d3412faa283a176a62aef17f04fb912074668d1eabc8cd3203ca74dd663fe3b1a34f9b2511d50",
        ),
        (
            ck::CKM_SHA256,
            None,
            "994c7b307a99ae05ff76bca2c13d0ec22fb74ca606abb0e9a882f92e54b569a5e10e7392206e314c77455cbacfcd5a22baf4f8b6c4aa679c5f92bcea",
        ),
        (
            ck::CKM_TLS_PRF,
            None,
            "0c73f7eac7bc79db7bee78234cad45c803ec9c61a0a92b6203097ce2974e02f3ba92d97e55c06b49a4275dae8ae3e58b29fd3b8c8e5c1a8243e74a11",
        ),
    ] {
        assert_eq!(run(prf, context).unwrap(), hex(expected));
    }
    assert_ne!(run(ck::CKM_SHA256, Some(b"")), run(ck::CKM_SHA256, None), "an empty context is one");
    assert_eq!(run(ck::CKM_SHA256, Some(&[0; 65536])), Err(MechanismParamInvalid));
}

#[test]
fn finished_messages() {
    let Ok(key) = attributes::key(&pre_master()) else { panic!() };
    let mac = |prf, len, side| kdf(Kdf::TlsMac(TlsMac { prf, len, side }));
    for (params, expected) in [
        (mac(ck::CKM_SHA256, 12, 1), "f801bcc55ebfa4d4115906fb"),
        (mac(ck::CKM_SHA384, 32, 2), "c1bdc08d437676657cc0ee70ca3aca81fdc9b76d21fa36236968419a5c0d0fde"),
        (mac(ck::CKM_TLS_PRF, 12, 2), "d1ab8b9ee662a012a80a3b49"),
    ] {
        let (kind, data, expected) = (ck::CKM_TLS_MAC, session_hash(), hex(expected));
        assert_eq!(sign(kind, &key, &params, &data).as_ref(), Ok(&expected));
        assert_eq!(sign_parts(kind, &key, &params, &data).as_ref(), Ok(&expected));
        assert_eq!(verify(kind, &key, &params, &data, &expected), Ok(()));
        assert_eq!(verify(kind, &key, &params, &data, &expected[1..]), Err(SignatureLenRange));
        assert_eq!(verify(kind, &key, &params, b"another", &expected), Err(SignatureInvalid));
    }
    for params in [
        mac(ck::CKM_SHA256, 11, 1),
        mac(ck::CKM_SHA256, 65, 1),
        mac(ck::CKM_SHA256, 12, 0),
        mac(ck::CKM_SHA256, 12, 3),
        mac(ck::CKM_TLS_PRF, 13, 1),
        mac(ck::CKM_AES_CMAC, 12, 1),
    ] {
        assert_eq!(sign(ck::CKM_TLS_MAC, &key, &params, b""), Err(MechanismParamInvalid));
    }
}

#[test]
fn pre_master_secrets_begin_with_the_version() {
    let generate = row(ck::CKM_TLS_PRE_MASTER_KEY_GEN).ops.generate.unwrap();
    let template = object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET);
    let params = kdf(Kdf::TlsVersion([3, 2]));
    let (one, two) = (generate(&params, &template).unwrap(), generate(&params, &template).unwrap());
    assert_eq!((one.len(), &one[..2]), (48, &[3, 2][..]));
    assert_ne!(one, two);
    let short = template.with(ck::CKA_VALUE_LEN, wanted(47));
    assert_eq!(generate(&params, &short).unwrap_err().kind(), AttributeValueInvalid);
}

const PRF: ck::CK_MECHANISM_TYPE = ck::CKM_SHA256_HMAC;

fn ike_key() -> Attributes {
    base(ck::CKK_SHA256_HMAC, &(0..32).collect::<Vec<u8>>())
}

fn shared() -> Attributes {
    generic(&(200..232).collect::<Vec<u8>>())
}

fn nonces() -> [Vec<u8>; 2] {
    [(1..17).collect(), (17..40).collect()]
}

#[test]
fn first_keys_of_ike() {
    let run = |base: &Attributes, data_as_key, new_key: Option<_>, template: &Template| {
        let other = shared();
        let others: &[&Attributes] = if new_key.is_some() { &[&other] } else { &[] };
        let params = IkePrf { prf: PRF, data_as_key, nonces: nonces(), new_key };
        derive(ck::CKM_IKE_PRF_DERIVE, (base, others), kdf(Kdf::IkePrf(params)), template)
    };
    let plain = Template::new();
    let secret = generic(&(0..32).collect::<Vec<u8>>());
    let key = run(&secret, true, None, &plain).unwrap().remove(0);
    assert_eq!(key.key_type(), Some(ck::CKK_SHA256_HMAC), "the type of the function's keys");
    assert_eq!(
        key.bytes(ck::CKA_VALUE),
        Some(&hex("7ddac45ac776f5ac77397f706871cf4fa27f936dc5ae0616979afae942c1e99c")[..])
    );
    assert_eq!(
        value_of(run(&ike_key(), false, None, &plain)).unwrap(),
        hex("f922594657cf33bc2ea3c001f7c55af04fb3036bbcd664677301e3b48ad81446")
    );
    assert_eq!(
        value_of(run(&ike_key(), false, Some(9), &plain)).unwrap(),
        hex("b7df2ef796efd1aae2d1a188fa6991ba15496da53a54f4e956131b5de5e03ed8")
    );
    assert_eq!(run(&ike_key(), true, None, &plain), Err(KeyTypeInconsistent), "not a generic secret");
    assert_eq!(run(&secret, true, None, &len(16)), Err(KeySizeRange));
}

#[test]
fn keys_of_ikev1() {
    let previous = generic(b"previous key value..");
    let other = shared();
    let run = |previous: Option<&Attributes>, number, template: Template| {
        let others: Vec<&Attributes> = [&other].into_iter().chain(previous).collect();
        let cookies = [b"cookie-i".to_vec(), b"cookie-r".to_vec()];
        let previous = previous.map(|_| 2);
        let params = Ike1Prf { prf: PRF, shared: 1, previous, cookies, number };
        let params = kdf(Kdf::Ike1Prf(params));
        value_of(derive(ck::CKM_IKE1_PRF_DERIVE, (&ike_key(), &others), params, &template))
    };
    let typed = Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
    let first = hex("4b983e6ae852bdf19ad27a4df19d4508f2fc054267f9dfaa8ed2fe1424aef99f");
    assert_eq!(run(None, 0, typed.clone()).as_ref(), Ok(&first));
    assert_eq!(run(None, 0, typed.clone().with(ck::CKA_VALUE_LEN, wanted(20))).unwrap(), first[..20]);
    assert_eq!(run(None, 0, typed.clone().with(ck::CKA_VALUE_LEN, wanted(33))), Err(KeySizeRange));
    assert_eq!(run(None, 0, Template::new()), Err(TemplateIncomplete));
    assert_eq!(
        run(Some(&previous), 1, typed).unwrap(),
        hex("c73f3b68d1ad7fe1de3ac94c21483dda4d8ab5f22d083b6a1be4456feab5ac87")
    );
}

#[test]
fn longer_keys_of_ikev1() {
    let other = shared();
    let run = |with_shared: bool, extra: &[u8], template: Template| {
        let others: &[&Attributes] = if with_shared { &[&other] } else { &[] };
        let params = Ike1Extended { prf: PRF, shared: with_shared.then_some(1), extra: extra.to_vec() };
        value_of(derive(
            ck::CKM_IKE1_EXTENDED_DERIVE,
            (&ike_key(), others),
            kdf(Kdf::Ike1Extended(params)),
            &template,
        ))
    };
    assert_eq!(
        run(false, b"", len(70)).unwrap(),
        hex(
            "e711546e3faad4c7c4aa756bc26cad6abea8241984a0f6b0839c70ca61c4ef88d7d5b72e4532e11d1238fbcb0854c7dbc4802dd4f3bf5180f3a6df775161d8db982cc2e67236"
        )
    );
    assert_eq!(
        run(true, b"extra", len(70)).unwrap(),
        hex(
            "eea6e25acc6656bed778962dd0430c01fd864e48cdf4874393185da8eb4a440f1c96be680f891e7e3ec758ebbea90aadeae6e7af67cd4992d7892743dc0bc06162f1026c2fde"
        )
    );
    assert_eq!(run(true, b"", len(20)).unwrap(), hex("374c89e32be4d971465bfdd351080c1a42a12225"));
    assert_eq!(run(false, b"", len(20)).unwrap(), (0..20).collect::<Vec<u8>>(), "the base key's beginning");
    assert_eq!(run(true, b"", len(255 * 32 + 1)), Err(KeySizeRange));
    assert_eq!(run(true, b"", Template::new()), Err(TemplateIncomplete));

    let mut closed = ike_key();
    closed.set(ck::CKA_SENSITIVE, true);
    let params = kdf(Kdf::Ike1Extended(Ike1Extended { prf: PRF, shared: None, extra: Vec::new() }));
    let key = derive(ck::CKM_IKE1_EXTENDED_DERIVE, (&closed, &[]), params, &len(20)).unwrap().remove(0);
    assert!(key.flag(ck::CKA_SENSITIVE), "a copy of a sensitive key's bytes is sensitive");
}

#[test]
fn keys_of_ikev2() {
    let other = shared();
    let run = |with_key: bool, seed: &[u8], template: Template| {
        let others: &[&Attributes] = if with_key { &[&other] } else { &[] };
        let params = Ike2PrfPlus { prf: PRF, seed_key: with_key.then_some(1), seed: seed.to_vec() };
        let params = kdf(Kdf::Ike2PrfPlus(params));
        value_of(derive(ck::CKM_IKE2_PRF_PLUS_DERIVE, (&ike_key(), others), params, &template))
    };
    let [initiator, responder] = nonces();
    assert_eq!(
        run(true, &[&initiator[..], &responder].concat(), len(100)).unwrap(),
        hex(
            "5e77f6165cfe280fe9023c0479399d4acd352f6c9179cadb348144d670fc05356270204b165e3769bae7e77cd8374fff50091c0ee69cc189887660f1495d1e3d4edb2d3451dcb40ad2bb94fe67fb3017247c1cf79dfdd01d8cef8fab46c1163782dd9123"
        )
    );
    assert_eq!(
        run(false, &initiator, len(40)).unwrap(),
        hex("ae876e6c05f917c45bd429d89c777b2675773b61c14e761ff7d7c12c202bbf349be0798b50d1b44b")
    );
    assert_eq!(run(false, &initiator, len(255 * 32)).map(|key| key.len()), Ok(255 * 32));
    assert_eq!(run(false, &initiator, len(255 * 32 + 1)), Err(KeySizeRange));
    assert_eq!(run(false, &initiator, Template::new()), Err(TemplateIncomplete));
}

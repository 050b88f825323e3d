//! Key derivation functions, by the rows' own functions: the values, and what is refused.

use super::super::params::{
    AdditionalKey, Hkdf, Kdf, NumberFormat, Params, Pbkdf2, Reply, Salt, Segment, Sp800108,
};
use super::super::{Derivation, Source, material as attributes};
use super::*;
use crate::object::{self, Caller, Template};
use ErrorKind::*;

pub(super) const USER: Caller = Caller { so: false, user: true };

/// A secret key that may derive.
pub(super) fn base(key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Attributes {
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, key_type)
        .with(ck::CKA_SENSITIVE, false)
        .with(ck::CKA_EXTRACTABLE, true)
        .with(ck::CKA_DERIVE, true)
        .with(ck::CKA_VALUE, value);
    let mut key = object::create(template, &USER).unwrap();
    attributes::complete_created(&mut key).unwrap();
    key
}

pub(super) fn generic(value: &[u8]) -> Attributes {
    base(ck::CKK_GENERIC_SECRET, value)
}

/// The objects that a mechanism derives.
pub(super) fn derive(
    kind: ck::CK_MECHANISM_TYPE,
    (base, others): (&Attributes, &[&Attributes]),
    params: Params,
    template: &Template,
) -> Result<Vec<Attributes>, ErrorKind> {
    let parse = |object: &Attributes| match object.class() {
        ck::CKO_DATA => attributes::data(object).unwrap(),
        _ => attributes::key(object).unwrap(),
    };
    let key = parse(base);
    let keys: Vec<Key> = others.iter().map(|other| parse(other)).collect();
    let sources = keys.iter().zip(others).map(|(key, attributes)| Source { key, attributes });
    let derivation = Derivation {
        base: Source { key: &key, attributes: base },
        others: &sources.collect::<Vec<_>>(),
        template,
        caller: USER,
        read_write: true,
    };
    let derived = row(kind).ops.derive.unwrap().run(&derivation, &params).map_err(|e| e.kind())?;
    Ok(derived.into_iter().map(|derived| derived.object).collect())
}

pub(super) fn kdf(kdf: Kdf) -> Params {
    Params::Kdf(Box::new(kdf))
}

pub(super) fn string_data(data: impl Into<Vec<u8>>) -> Params {
    kdf(Kdf::StringData(SecretBytes::from(data.into())))
}

pub(super) fn len(len: usize) -> Template {
    Template::new().with(ck::CKA_VALUE_LEN, wanted(len))
}

pub(super) fn value_of(objects: Result<Vec<Attributes>, ErrorKind>) -> Result<Vec<u8>, ErrorKind> {
    objects.map(|objects| objects[0].bytes(ck::CKA_VALUE).unwrap().to_vec())
}

#[test]
fn the_examples_of_the_simple_derivations() {
    let key = generic(&[0x01, 0x23, 0x45, 0x67]);
    let other = generic(&[0x89, 0xab, 0xcd, 0xef]);
    let data = || string_data([0x89, 0xab, 0xcd, 0xef]);
    let simple = |kind, others: &[&Attributes], params, template: Template| {
        value_of(derive(kind, (&key, others), params, &template))
    };
    let whole = hex("0123456789abcdef");
    let with_key = || kdf(Kdf::KeyHandle(1));
    assert_eq!(
        simple(ck::CKM_CONCATENATE_BASE_AND_KEY, &[&other], with_key(), Template::new()).unwrap(),
        whole
    );
    assert_eq!(simple(ck::CKM_CONCATENATE_BASE_AND_DATA, &[], data(), Template::new()).unwrap(), whole);
    assert_eq!(
        simple(ck::CKM_CONCATENATE_DATA_AND_BASE, &[], data(), Template::new()).unwrap(),
        hex("89abcdef01234567")
    );
    assert_eq!(simple(ck::CKM_XOR_BASE_AND_DATA, &[], data(), Template::new()).unwrap(), hex("88888888"));
    assert_eq!(simple(ck::CKM_XOR_BASE_AND_DATA, &[], data(), len(3)).unwrap(), hex("888888"));
    assert_eq!(simple(ck::CKM_XOR_BASE_AND_DATA, &[], data(), len(5)), Err(KeySizeRange));
    let aes = Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_AES);
    assert_eq!(simple(ck::CKM_CONCATENATE_BASE_AND_DATA, &[], data(), aes), Err(TemplateIncomplete));
}

#[test]
fn bits_of_a_key() {
    let key = generic(&[0x32, 0x9f, 0x84, 0xa9]);
    let extract = |first, template: Template| {
        let params = kdf(Kdf::ExtractBit(first));
        value_of(derive(ck::CKM_EXTRACT_KEY_FROM_KEY, (&key, &[]), params, &template))
    };
    assert_eq!(extract(21, len(2)).unwrap(), [0x95, 0x26], "the specification's example, around the end");
    assert_eq!(extract(0, len(4)).unwrap(), [0x32, 0x9f, 0x84, 0xa9]);
    assert_eq!(extract(8, len(4)).unwrap(), [0x9f, 0x84, 0xa9, 0x32]);
    assert_eq!(extract(31, len(1)).unwrap(), [0x99]);
    assert_eq!(extract(0, len(5)), Err(KeySizeRange));
    assert_eq!(extract(32, len(1)), Err(MechanismParamInvalid));
    assert_eq!(extract(ck::CK_ULONG::MAX, len(1)), Err(MechanismParamInvalid));
    assert_eq!(extract(0, Template::new()), Err(TemplateIncomplete));
    let one = generic(&[0xa5]);
    let params = kdf(Kdf::ExtractBit(4));
    assert_eq!(value_of(derive(ck::CKM_EXTRACT_KEY_FROM_KEY, (&one, &[]), params, &len(1))).unwrap(), [0x5a]);
}

#[test]
fn what_gives_a_key_away_keeps_its_protection() {
    let open = generic(b"open, nine");
    let mut closed = generic(b"closed, no");
    closed.set(ck::CKA_SENSITIVE, true);
    closed.set(ck::CKA_EXTRACTABLE, false);
    closed.set(ck::CKA_ALWAYS_SENSITIVE, true);
    closed.set(ck::CKA_NEVER_EXTRACTABLE, true);
    let join = |base, other, template| {
        derive(ck::CKM_CONCATENATE_BASE_AND_KEY, (base, &[other]), kdf(Kdf::KeyHandle(1)), &template)
    };
    for (base, other) in [(&open, &closed), (&closed, &open)] {
        let key = join(base, other, Template::new()).unwrap().remove(0);
        assert!(key.flag(ck::CKA_SENSITIVE) && !key.flag(ck::CKA_EXTRACTABLE));
        assert!(!key.flag(ck::CKA_ALWAYS_SENSITIVE) && !key.flag(ck::CKA_NEVER_EXTRACTABLE));
        for (id, value) in [(ck::CKA_SENSITIVE, false), (ck::CKA_EXTRACTABLE, true)] {
            assert_eq!(join(base, other, Template::new().with(id, value)), Err(TemplateInconsistent));
        }
    }
    let key = join(&closed, &closed, Template::new()).unwrap().remove(0);
    assert!(key.flag(ck::CKA_ALWAYS_SENSITIVE) && key.flag(ck::CKA_NEVER_EXTRACTABLE));
    let key = join(&open, &open, Template::new()).unwrap().remove(0);
    assert!(!key.flag(ck::CKA_SENSITIVE) && key.flag(ck::CKA_EXTRACTABLE));

    // A piece that could be guessed is no key, and what wants a trusted wrapping key goes on wanting one.
    assert_eq!(join(&closed, &closed, len(13)), Err(KeySizeRange));
    assert!(join(&closed, &closed, len(14)).is_ok() && join(&open, &open, len(1)).is_ok());
    let trusting = closed.clone().with(ck::CKA_WRAP_WITH_TRUSTED, true);
    assert!(join(&open, &trusting, Template::new()).unwrap()[0].flag(ck::CKA_WRAP_WITH_TRUSTED));
}

/// Whoever knows CMAC's key computes the message from the output: keys that are the message keep their protection.
#[test]
fn keys_that_cmac_takes_as_its_message_keep_their_protection() {
    let known = base(ck::CKK_AES, &[7; 16]);
    let mut closed = generic(&[1; 16]);
    closed.set(ck::CKA_SENSITIVE, true);
    closed.set(ck::CKA_EXTRACTABLE, false);
    let params = |prf| {
        let segments = vec![
            Segment::Bytes(vec![0; 12]),
            Segment::Iteration(Some(NumberFormat { little_endian: false, bits: 32 })),
            Segment::Key(1),
        ];
        kdf(Kdf::Sp800108(Sp800108 { prf, segments, iv: Vec::new(), additional: Vec::new() }))
    };
    let open = len(16).with(ck::CKA_SENSITIVE, false).with(ck::CKA_EXTRACTABLE, true);
    let derive = |base: &Attributes, prf| {
        derive(ck::CKM_SP800_108_COUNTER_KDF, (base, &[&closed]), params(prf), &open)
    };
    assert_eq!(derive(&known, ck::CKM_AES_CMAC), Err(TemplateInconsistent));
    assert!(
        derive(&generic(&[7; 32]), ck::CKM_SHA256_HMAC).is_ok(),
        "nothing comes back of an HMAC's message"
    );
}

#[test]
fn public_keys_of_private_ones() {
    let pairs = [
        generated(ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, &[(ck::CKA_EC_PARAMS, Value::from(P256))]),
        generated(
            ck::CKM_EC_EDWARDS_KEY_PAIR_GEN,
            ck::CKK_EC_EDWARDS,
            &[(ck::CKA_EC_PARAMS, Value::from(ED25519))],
        ),
    ];
    for (public, mut private) in pairs {
        private.set(ck::CKA_ID, b"id".as_slice());
        private.set(ck::CKA_SIGN, false);
        let from = |template| derive(ck::CKM_PUB_KEY_FROM_PRIV_KEY, (&private, &[]), Params::None, &template);
        let found = from(Template::new()).unwrap().remove(0);
        for id in [ck::CKA_EC_POINT, ck::CKA_PUBLIC_KEY_INFO, ck::CKA_EC_PARAMS] {
            assert_eq!(found.bytes(id), public.bytes(id));
        }
        assert_eq!(found.bytes(ck::CKA_ID), Some(&b"id"[..]));
        assert!(!found.flag(ck::CKA_VERIFY) && !found.flag(ck::CKA_TOKEN) && !found.flag(ck::CKA_LOCAL));
        assert!(from(Template::new().with(ck::CKA_VERIFY, true)).unwrap()[0].flag(ck::CKA_VERIFY));
        assert_eq!(from(Template::new().with(ck::CKA_EC_PARAMS, X25519)), Err(TemplateInconsistent));
        assert_eq!(from(Template::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)), Err(TemplateInconsistent));
    }
}

fn hkdf(hash: ck::CK_MECHANISM_TYPE, (extract, expand): (bool, bool), salt: Salt, info: &[u8]) -> Params {
    kdf(Kdf::Hkdf(Hkdf { extract, expand, hash, salt, info: info.to_vec() }))
}

#[test]
fn hkdf_of_rfc_5869() {
    let (ikm, salt, info) =
        (generic(&[0x0b; 22]), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"));
    let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    let okm = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    let sha256 = |steps, salt, base: &Attributes, template| {
        let others: Vec<Attributes> = if matches!(salt, Salt::Key(_)) {
            vec![generic(&hex("000102030405060708090a0b0c"))]
        } else {
            vec![]
        };
        let others: Vec<&Attributes> = others.iter().collect();
        let params = hkdf(ck::CKM_SHA256, steps, salt, &info);
        value_of(derive(ck::CKM_HKDF_DERIVE, (base, &others), params, &template))
    };
    let salted = || Salt::Data(salt.clone());
    assert_eq!(sha256((true, false), salted(), &ikm, Template::new()).unwrap(), prk);
    assert_eq!(sha256((true, false), Salt::Key(7), &ikm, len(32)).unwrap(), prk);
    assert_eq!(sha256((true, false), salted(), &ikm, len(31)), Err(KeySizeRange));
    assert_eq!(sha256((true, true), salted(), &ikm, len(42)).unwrap(), okm);
    assert_eq!(sha256((false, true), Salt::Null, &base(ck::CKK_HKDF, &prk), len(42)).unwrap(), okm);
    assert_eq!(sha256((true, true), salted(), &ikm, len(255 * 32)).map(|key| key.len()), Ok(255 * 32));
    assert_eq!(sha256((true, true), salted(), &ikm, len(255 * 32 + 1)), Err(KeySizeRange));
    assert_eq!(sha256((true, true), salted(), &ikm, Template::new()), Err(TemplateIncomplete));
    assert_eq!(sha256((false, false), salted(), &ikm, len(32)), Err(MechanismParamInvalid));

    let unsalted = hkdf(ck::CKM_SHA256, (true, true), Salt::Null, b"");
    assert_eq!(
        value_of(derive(ck::CKM_HKDF_DERIVE, (&ikm, &[]), unsalted, &len(42))).unwrap(),
        hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
        "test case 3"
    );
    let unknown = hkdf(ck::CKM_AES_CMAC, (true, true), Salt::Null, b"");
    assert_eq!(derive(ck::CKM_HKDF_DERIVE, (&ikm, &[]), unknown, &len(42)), Err(MechanismParamInvalid));
}

#[test]
fn hkdf_to_and_from_data() {
    let (salt, info) = (hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"));
    let input: Vec<u8> = (0..32).collect();
    let params = || hkdf(ck::CKM_SHA256, (true, true), Salt::Data(salt.clone()), &info);
    let found = derive(ck::CKM_HKDF_DATA, (&generic(&input), &[]), params(), &len(20)).unwrap().remove(0);
    assert_eq!(found.class(), ck::CKO_DATA);
    assert_eq!(found.bytes(ck::CKA_VALUE), Some(&hex("194109eabd17e0cb6c156d2bcbb8e54f9aa71ab5")[..]));
    let template = len(20).with(ck::CKA_VALUE, b"mine".as_slice());
    assert_eq!(
        derive(ck::CKM_HKDF_DATA, (&generic(&input), &[]), params(), &template),
        Err(AttributeReadOnly)
    );
    let template = len(20).with(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    let refused = derive(ck::CKM_HKDF_DATA, (&generic(&input), &[]), params(), &template);
    assert_eq!(refused, Err(TemplateInconsistent));

    let data = Attributes::new().with(ck::CKA_CLASS, ck::CKO_DATA).with(ck::CKA_VALUE, input.clone());
    let from_data = derive(ck::CKM_HKDF_DERIVE, (&data, &[]), params(), &len(20));
    assert_eq!(value_of(from_data).unwrap(), found.bytes(ck::CKA_VALUE).unwrap());
    let unsalted = hkdf(ck::CKM_SHA256, (true, true), Salt::Null, &info);
    assert_eq!(derive(ck::CKM_HKDF_DERIVE, (&data, &[]), unsalted, &len(20)), Err(MechanismParamInvalid));
    let short = data.with(ck::CKA_VALUE, b"short".as_slice());
    assert_eq!(derive(ck::CKM_HKDF_DERIVE, (&short, &[]), params(), &len(20)), Err(KeySizeRange));
}

fn pbkdf2(
    prf: ck::CK_ULONG,
    (password, salt): (&[u8], &[u8]),
    iterations: ck::CK_ULONG,
    template: &Attributes,
) -> Result<Vec<u8>, ErrorKind> {
    let params = Pbkdf2 { salt: salt.to_vec(), iterations, prf, password: password.into() };
    let generate = row(ck::CKM_PKCS5_PBKD2).ops.generate.unwrap();
    generate(&kdf(Kdf::Pbkdf2(params)), template).map(|key| key.to_vec()).map_err(|e| e.kind())
}

#[test]
fn pbkdf2_with_every_hash() {
    let template =
        |len| object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET).with(ck::CKA_VALUE_LEN, wanted(len));
    let rfc_6070 = (&b"passwordPASSWORDpassword"[..], &b"saltSALTsaltSALTsaltSALTsaltSALTsalt"[..]);
    let expected = hex("3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038");
    assert_eq!(pbkdf2(ck::CKP_PKCS5_PBKD2_HMAC_SHA1, rfc_6070, 4096, &template(25)).unwrap(), expected);
    let inputs = (&b"passwd"[..], &b"salt"[..]);
    for (prf, key) in [
        (ck::CKP_PKCS5_PBKD2_HMAC_SHA1, "55fd98d920a8276de260fdf31226394cf96023cf"),
        (
            ck::CKP_PKCS5_PBKD2_HMAC_SHA224,
            "ec4f2f9f9311dd577d9a570953e0f157129fc4d4db9a357097c5088bb1bb576be04719bdec4b342f",
        ),
        (
            ck::CKP_PKCS5_PBKD2_HMAC_SHA384,
            "940ed57d440f285dbfbb7fd1bdd63c154af960c2167ad3f2aeefadbc01ea3a2568a27316193dbbdc25edb1b7bb2fe90a91c6",
        ),
        (
            ck::CKP_PKCS5_PBKD2_HMAC_SHA512,
            "9b24b69e88dfa45d31e06a6dd20bc963268c0a94924677f76d4b2f02e5a105a7f65fca857a354cb2e5069580b8b8457cb5b40da49084e4d75c39b31ac1f356d55fdc8838d94b",
        ),
    ] {
        assert_eq!(pbkdf2(prf, inputs, 1000, &template(key.len() / 2)).unwrap(), hex(key));
    }
    let sha256 = ck::CKP_PKCS5_PBKD2_HMAC_SHA256;
    assert_eq!(pbkdf2(sha256, inputs, 0, &template(32)), Err(MechanismParamInvalid));
    assert_eq!(pbkdf2(sha256, inputs, ck::CK_ULONG::MAX, &template(32)), Err(MechanismParamInvalid));
    assert_eq!(
        pbkdf2(sha256, inputs, 1 << 20, &template(65536)),
        Err(MechanismParamInvalid),
        "too much work"
    );
    assert_eq!(
        pbkdf2(ck::CKP_PKCS5_PBKD2_HMAC_GOSTR3411, inputs, 1, &template(32)),
        Err(MechanismParamInvalid)
    );
    let aes = object(ck::CKO_SECRET_KEY, ck::CKK_AES);
    assert_eq!(pbkdf2(sha256, inputs, 1, &aes), Err(TemplateIncomplete));
}

const BIG: bool = false;
const LITTLE: bool = true;

fn format(little_endian: bool, bits: ck::CK_ULONG) -> NumberFormat {
    NumberFormat { little_endian, bits }
}

fn text(bytes: &[u8]) -> Segment {
    Segment::Bytes(bytes.to_vec())
}

fn length_of(method: ck::CK_ULONG, format: NumberFormat) -> Segment {
    Segment::Length { method, format }
}

/// `label`, zero, `context`, and the length in 32 bits.
fn label_and_context() -> Vec<Segment> {
    let length = length_of(ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, format(BIG, 32));
    vec![text(b"label"), text(&[0]), text(b"context"), length]
}

fn sp800_108(prf: ck::CK_MECHANISM_TYPE, segments: Vec<Segment>) -> Sp800108 {
    Sp800108 { prf, segments, iv: Vec::new(), additional: Vec::new() }
}

fn counter(base: &Attributes, params: Sp800108, template: &Template) -> Result<Vec<u8>, ErrorKind> {
    let params = kdf(Kdf::Sp800108(params));
    value_of(derive(ck::CKM_SP800_108_COUNTER_KDF, (base, &[]), params, template))
}

#[test]
fn sp800_108_counter_mode() {
    let key = generic(&(0..32).collect::<Vec<u8>>());
    let first = |bits| [vec![Segment::Iteration(Some(format(BIG, bits)))], label_and_context()].concat();
    assert_eq!(
        counter(&key, sp800_108(ck::CKM_SHA256_HMAC, first(32)), &len(80)).unwrap(),
        hex(
            "793c8c6322234b76061bb6be858d899cf6c2cf3a2cf075f22bed2b8a17d10ff1cd9a6cdfd6c0f4bcaea6f6700b4decc8cb28a019968a859f4e2d4ec8c686dbd5a33e6943413e3db9b6c04a28022f936e"
        )
    );
    let aes = base(ck::CKK_AES, &(0..16).collect::<Vec<u8>>());
    assert_eq!(
        counter(&aes, sp800_108(ck::CKM_AES_CMAC, first(16)), &len(40)).unwrap(),
        hex("8a704fde618e6980772a611a93f00dd4d02e8c124934821dffc9740751771bdf70ce16ad3482bff7")
    );
    assert_eq!(counter(&key, sp800_108(ck::CKM_AES_CMAC, first(16)), &len(40)), Err(KeyTypeInconsistent));
    assert_eq!(counter(&aes, sp800_108(ck::CKM_SHA256_HMAC, first(16)), &len(40)), Err(KeyTypeInconsistent));
    let last = vec![
        text(b"label"),
        text(&[0]),
        text(b"context"),
        length_of(ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, format(BIG, 16)),
        Segment::Iteration(Some(format(BIG, 16))),
    ];
    assert_eq!(
        counter(&key, sp800_108(ck::CKM_SHA512_HMAC, last), &len(40)).unwrap(),
        hex("5228df415b6723ed63d8aac1ea4fb37d226dc7a7d49a08d0bbec05d05904debf604ddfe172d2af96")
    );
    let middle = || vec![text(b"abc"), Segment::Iteration(Some(format(LITTLE, 8))), text(b"def")];
    assert_eq!(
        counter(&key, sp800_108(ck::CKM_SHA_1_HMAC, middle()), &len(30)).unwrap(),
        hex("c532fe310fb9166ee533ae2ca747e2e98ab6c8d59f6e67f48d498d070876")
    );
    let most = 255 * 20;
    assert_eq!(
        counter(&key, sp800_108(ck::CKM_SHA_1_HMAC, middle()), &len(most)).map(|key| key.len()),
        Ok(most)
    );
    let more = counter(&key, sp800_108(ck::CKM_SHA_1_HMAC, middle()), &len(most + 1));
    assert_eq!(more, Err(KeySizeRange), "the counter would wrap");
}

#[test]
fn sp800_108_refuses_input_that_makes_no_sense() {
    let key = generic(&[1; 32]);
    let iteration = || Segment::Iteration(Some(format(BIG, 32)));
    let length = |bits| length_of(ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, format(BIG, bits));
    for segments in [
        vec![],
        vec![text(b"x")],
        vec![iteration(), iteration()],
        vec![iteration(), length(32), length(32)],
        vec![iteration(), length(8)],
        vec![iteration(), length(12)],
        vec![iteration(), length(72)],
        vec![iteration(), length_of(9, format(BIG, 32))],
        vec![iteration(), text(b"")],
        vec![iteration(), Segment::Counter(format(BIG, 8))],
        vec![Segment::Iteration(None)],
        vec![Segment::Iteration(Some(format(BIG, 0)))],
        vec![Segment::Iteration(Some(format(BIG, 64)))],
    ] {
        let shown = format!("{segments:?}");
        let refused = counter(&key, sp800_108(ck::CKM_SHA256_HMAC, segments), &len(32));
        assert_eq!(refused, Err(MechanismParamInvalid), "{shown}");
    }
    let unknown = sp800_108(ck::CKM_SHA256, vec![iteration()]);
    assert_eq!(counter(&key, unknown, &len(32)), Err(MechanismParamInvalid));
    let endless = sp800_108(ck::CKM_SHA256_HMAC, vec![iteration()]);
    assert_eq!(counter(&key, endless, &Template::new()), Err(TemplateIncomplete));
}

#[test]
fn sp800_108_feedback_and_double_pipeline_mode() {
    let key = generic(&(0..32).collect::<Vec<u8>>());
    let chained = |bits| {
        [vec![Segment::Iteration(None), Segment::Counter(format(BIG, bits))], label_and_context()].concat()
    };
    let feedback = Sp800108 { iv: (100..132).collect(), ..sp800_108(ck::CKM_SHA256_HMAC, chained(32)) };
    let made = derive(ck::CKM_SP800_108_FEEDBACK_KDF, (&key, &[]), kdf(Kdf::Sp800108(feedback)), &len(70));
    assert_eq!(
        value_of(made).unwrap(),
        hex(
            "c0c22255342d36353ee9191153131a742c83081f4c306fcdd9ab25a98d4e7b97dc50e107a8831bf302431dd9f47ea32ac1953cccd2e181e0298c4c0b01bb2e973d8f50877226"
        )
    );
    let pipeline = kdf(Kdf::Sp800108(sp800_108(ck::CKM_SHA384_HMAC, chained(16))));
    let made = derive(ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF, (&key, &[]), pipeline, &len(100));
    assert_eq!(
        value_of(made).unwrap(),
        hex(
            "2d1deee2e37f9c6eea37d8dd43182a871217172daa4538b907c522ab15997f2b38999c43bb2790e478500f72f43315790f1b82442a4cf09382a33617e58a2658fed696bccedce8e80da87d0e9ebc5cdd4a0ae7096ad98c465e5653db96edac61de5be17d"
        )
    );
    let formatted =
        kdf(Kdf::Sp800108(sp800_108(ck::CKM_SHA256_HMAC, vec![Segment::Iteration(Some(format(BIG, 32)))])));
    let refused = derive(ck::CKM_SP800_108_FEEDBACK_KDF, (&key, &[]), formatted, &len(32));
    assert_eq!(refused, Err(MechanismParamInvalid));
}

#[test]
fn sp800_108_makes_several_keys_of_disjoint_blocks() {
    let key = generic(&(0..32).collect::<Vec<u8>>());
    let params = |method, template: Template| {
        let segments = vec![
            Segment::Iteration(Some(format(BIG, 16))),
            text(b"label"),
            text(&[0]),
            // A key's value counts as bytes.
            Segment::Key(1),
            length_of(method, format(LITTLE, 16)),
        ];
        let additional = vec![AdditionalKey { template, handle: Reply::default() }];
        Sp800108 { additional, ..sp800_108(ck::CKM_SHA256_HMAC, segments) }
    };
    let context = generic(b"context");
    let run = |params: &Sp800108| {
        derive(
            ck::CKM_SP800_108_COUNTER_KDF,
            (&key, &[&context]),
            kdf(Kdf::Sp800108(params.clone())),
            &len(48),
        )
    };
    for (method, first, second) in [
        (
            ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
            "17d94da09e96defbae64c158cc8a3d48ce8b615988f86b3be592b16236b63c9392fae0d307045f4cc819f47eff3b88b1",
            "24fd0144fefd0f20ca81ecc45ade564d",
        ),
        (
            ck::CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS,
            "4055453a81a2cdca9f45f640decb7d106467fc939a1332a34e4e22d0d4caecf8e49141cc373cf42fc550520a8f4300a5",
            "e6def8d5ec6a8e1699309ec182560f4e",
        ),
    ] {
        let aes = Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_AES).with(ck::CKA_VALUE_LEN, wanted(16));
        let keys = run(&params(method, aes)).unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].bytes(ck::CKA_VALUE), Some(&hex(first)[..]));
        assert_eq!(keys[1].bytes(ck::CKA_VALUE), Some(&hex(second)[..]));
        assert_eq!(keys[1].key_type(), Some(ck::CKK_AES));
        // What the template leaves out is as the base key has it.
        assert!(keys[0].flag(ck::CKA_EXTRACTABLE) && !keys[0].flag(ck::CKA_SENSITIVE));
    }
    let bad = params(ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, Template::new());
    assert_eq!(run(&bad), Err(TemplateIncomplete));
    assert_eq!(bad.additional[0].handle.take(), Some(ck::CK_INVALID_HANDLE), "the template to blame");
}

//! keyward's own mechanisms: wallets and Argon2id.

use super::super::params::{Argon2id, Bip39Seed, Kdf};
use super::super::{MadePair, Reply};
use super::kdf::{USER, base, derive, generic, kdf, len, value_of};
use super::*;
use crate::object::{self, Template};
use ErrorKind::*;

const SECP256K1: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 10];
const SENTENCE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// Trezor's seed of it with the passphrase "TREZOR".
const SEED: &str = "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04";

fn import(sentence: &str, template: &Attributes) -> Result<Vec<u8>, ErrorKind> {
    let params = Bip39Seed { sentence: sentence.as_bytes().into(), passphrase: b"TREZOR"[..].into() };
    let generate = row(ck::CKM_KEYWARD_BIP39_SEED_IMPORT).ops.generate.unwrap();
    generate(&kdf(Kdf::Bip39Seed(params)), template).map(|seed| seed.to_vec()).map_err(|e| e.kind())
}

fn master(seed: &Attributes, template: &Template) -> Result<Attributes, ErrorKind> {
    let derived = derive(ck::CKM_KEYWARD_BIP32_MASTER_DERIVE, (seed, &[]), Params::None, template);
    derived.map(|mut objects| objects.remove(0))
}

fn child(
    parent: &Attributes,
    index: u32,
    hardened: bool,
    template: &Template,
) -> Result<Attributes, ErrorKind> {
    let params = Params::Bip32Child { index, hardened };
    let derived = derive(ck::CKM_KEYWARD_BIP32_CHILD_DERIVE, (parent, &[]), params, template);
    derived.map(|mut objects| objects.remove(0))
}

fn of_type(key_type: ck::CK_KEY_TYPE) -> Template {
    Template::new().with(ck::CKA_KEY_TYPE, key_type).with(ck::CKA_DERIVE, true)
}

#[test]
fn a_seed_from_a_sentence() {
    let template = object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET);
    let asks = |len: usize| template.clone().with(ck::CKA_VALUE_LEN, wanted(len));
    assert_eq!(import(SENTENCE, &template).unwrap(), hex(SEED));
    assert_eq!(import(SENTENCE, &asks(64)).unwrap(), hex(SEED));
    assert_eq!(import(SENTENCE, &asks(32)), Err(KeySizeRange));
    assert_eq!(import(&SENTENCE.replace("about", "above"), &template), Err(MechanismParamInvalid));
    let generate = row(ck::CKM_KEYWARD_BIP39_SEED_IMPORT).ops.generate.unwrap();
    assert_eq!(generate(&Params::None, &template).unwrap_err().kind(), MechanismParamInvalid);
}

/// BIP-32's test vector 1 and SLIP-10's, to the first children.
#[test]
fn a_seed_becomes_keys() {
    let seed = generic(&hex("000102030405060708090a0b0c0d0e0f"));
    let key = master(&seed, &of_type(ck::CKK_EC)).unwrap();
    assert_eq!(key.bytes(ck::CKA_EC_PARAMS), Some(SECP256K1));
    assert_eq!(key.bytes(ck::CKA_KEYWARD_WALLET_ADDRESS), Some(&b"m"[..]));
    assert!(key.bytes(ck::CKA_KEYWARD_WALLET_NAME).is_none());
    let first = child(&key, 0, true, &of_type(ck::CKK_EC)).unwrap();
    let second = child(&first, 1, false, &Template::new()).unwrap();
    for (key, value, chain_code, address) in [
        (
            &key,
            "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35",
            "873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508",
            "m",
        ),
        (
            &first,
            "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea",
            "47fdacbd0f1097043b78c63c20c34ef4ed9a111d980047ad16282c7ae6236141",
            "m/0'",
        ),
        (
            &second,
            "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368",
            "2a7857631386ba23dacac34180dd1983734e444fdbf774041578e9b6adb37c19",
            "m/0'/1",
        ),
    ] {
        assert_eq!(key.bytes(ck::CKA_VALUE).unwrap(), hex(value));
        assert_eq!(key.bytes(ck::CKA_KEYWARD_CHAIN_CODE).unwrap(), hex(chain_code));
        assert_eq!(key.bytes(ck::CKA_KEYWARD_WALLET_ADDRESS), Some(address.as_bytes()));
        assert!(attributes::key(key).is_ok());
    }

    let key = master(&seed, &of_type(ck::CKK_EC_EDWARDS)).unwrap();
    let first = child(&key, 0, true, &Template::new()).unwrap();
    assert_eq!(first.bytes(ck::CKA_EC_PARAMS), Some(ED25519));
    assert_eq!(
        first.bytes(ck::CKA_VALUE).unwrap(),
        hex("68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3")
    );
    assert_eq!(
        first.bytes(ck::CKA_KEYWARD_CHAIN_CODE).unwrap(),
        hex("8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69")
    );
    assert_eq!(child(&key, 0, false, &Template::new()), Err(MechanismParamInvalid), "not hardened");
}

#[test]
fn the_protection_of_seed_and_parent_stays() {
    let mut seed = generic(&[7; 64]);
    assert!(!master(&seed, &Template::new()).unwrap().flag(ck::CKA_SENSITIVE));
    seed.set(ck::CKA_SENSITIVE, true);
    seed.set(ck::CKA_EXTRACTABLE, false);
    let key = master(&seed, &of_type(ck::CKK_EC)).unwrap();
    let leaf = child(&key, 0, false, &Template::new()).unwrap();
    for key in [&key, &leaf] {
        assert!(key.flag(ck::CKA_SENSITIVE) && !key.flag(ck::CKA_EXTRACTABLE));
        for id in [ck::CKA_VALUE, ck::CKA_KEYWARD_CHAIN_CODE] {
            assert_eq!(object::reveal(key, id).unwrap_err().kind(), AttributeSensitive);
        }
    }
    for (id, value) in [(ck::CKA_SENSITIVE, false), (ck::CKA_EXTRACTABLE, true)] {
        let open = Template::new().with(id, value);
        assert_eq!(master(&seed, &open), Err(TemplateInconsistent));
        assert_eq!(child(&key, 0, true, &open), Err(TemplateInconsistent));
    }
}

#[test]
fn keys_and_templates_that_are_no_wallets() {
    assert_eq!(master(&generic(&[1; 15]), &Template::new()), Err(KeySizeRange));
    assert_eq!(master(&generic(&[1; 65]), &Template::new()), Err(KeySizeRange));
    assert_eq!(master(&generic(&[1; 16]), &of_type(ck::CKK_AES)), Err(TemplateInconsistent));
    let secret = Template::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    assert_eq!(master(&generic(&[1; 16]), &secret), Err(TemplateInconsistent));
    let named = Template::new().with(ck::CKA_KEYWARD_CHAIN_CODE, &[0; 32][..]);
    assert_eq!(master(&generic(&[1; 16]), &named), Err(AttributeReadOnly));

    let plain = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC).with(ck::CKA_EC_PARAMS, SECP256K1);
    let plain = plain.with(ck::CKA_VALUE, &[0x11; 32]);
    assert_eq!(child(&plain, 0, true, &Template::new()), Err(KeyTypeInconsistent), "no chain code");
    let other = ec_attributes().with(ck::CKA_KEYWARD_CHAIN_CODE, &[0; 32]);
    assert_eq!(child(&other, 0, true, &Template::new()), Err(KeyTypeInconsistent), "P-256");
    let deep = |depth: usize| {
        let address = format!("m{}", "/0".repeat(depth));
        let key = plain.clone().with(ck::CKA_KEYWARD_CHAIN_CODE, &[0; 32]);
        key.with(ck::CKA_KEYWARD_WALLET_ADDRESS, address.as_str())
    };
    assert!(child(&deep(254), 0, true, &Template::new()).is_ok());
    assert_eq!(child(&deep(255), 0, true, &Template::new()), Err(KeyTypeInconsistent), "too deep");
}

/// A key that is imported with its chain code derives; where it is in its wallet, nobody knows.
#[test]
fn an_imported_key_of_a_wallet() {
    let imported = |chain_code: &[u8]| {
        let template = Template::new()
            .with(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY)
            .with(ck::CKA_KEY_TYPE, ck::CKK_EC)
            .with(ck::CKA_EC_PARAMS, SECP256K1)
            .with(ck::CKA_VALUE, hex("e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"))
            .with(ck::CKA_KEYWARD_CHAIN_CODE, chain_code);
        let mut key = object::create(template, &USER).unwrap();
        attributes::complete_created(&mut key).map(|()| key).map_err(|e| e.kind())
    };
    let code = hex("873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508");
    let first = child(&imported(&code).unwrap(), 0, true, &Template::new()).unwrap();
    assert_eq!(
        first.bytes(ck::CKA_VALUE).unwrap(),
        hex("edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea")
    );
    assert!(first.bytes(ck::CKA_KEYWARD_WALLET_ADDRESS).is_none());
    assert_eq!(imported(&code[1..]), Err(AttributeValueInvalid));
}

fn fresh(
    key_type: ck::CK_KEY_TYPE,
    curve: &[u8],
    params: &Params,
) -> Result<(Attributes, Attributes), ErrorKind> {
    let mut public = object(ck::CKO_PUBLIC_KEY, key_type).with(ck::CKA_EC_PARAMS, curve);
    let mut private = object(ck::CKO_PRIVATE_KEY, key_type);
    let generate = row(ck::CKM_KEYWARD_BIP32_MASTER_GEN).ops.generate_node.unwrap();
    let made = generate(params, &public, &private).map_err(|e| e.kind())?;
    let MadePair { key, public: more, private: more_private } = made;
    attributes::fill_pair(&mut public, &mut private, &key).unwrap();
    for (object, more) in [(&mut public, more), (&mut private, more_private)] {
        for (id, value) in more.iter() {
            object.set(id, value.clone());
        }
    }
    Ok((public, private))
}

#[test]
fn a_fresh_wallet_can_be_recovered() {
    for (key_type, curve) in [(ck::CKK_EC, SECP256K1), (ck::CKK_EC_EDWARDS, ED25519)] {
        let sentence = Reply::default();
        let params = Params::Bip32Master { name: "savings".to_owned(), mnemonic: Some(sentence.clone()) };
        let (public, private) = fresh(key_type, curve, &params).unwrap();
        for object in [&public, &private] {
            assert_eq!(object.bytes(ck::CKA_KEYWARD_WALLET_NAME), Some(&b"savings"[..]));
            assert_eq!(object.bytes(ck::CKA_KEYWARD_WALLET_ADDRESS), Some(&b"m"[..]));
        }
        assert!(public.bytes(ck::CKA_KEYWARD_CHAIN_CODE).is_none(), "the public key is not guarded");
        assert_eq!(child(&private, 0, true, &Template::new()).unwrap().key_type(), Some(key_type));

        let sentence = sentence.take().unwrap();
        assert_eq!(sentence.split(|byte| *byte == b' ').count(), 24);
        assert!(ulong(sentence.len()) <= ck::CK_KEYWARD_MNEMONIC_LEN);
        let params = Bip39Seed { sentence, passphrase: SecretBytes::default() };
        let generate = row(ck::CKM_KEYWARD_BIP39_SEED_IMPORT).ops.generate.unwrap();
        let seed =
            generate(&kdf(Kdf::Bip39Seed(params)), &object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET));
        let again = master(&generic(&seed.unwrap()), &of_type(key_type)).unwrap();
        for id in [ck::CKA_VALUE, ck::CKA_KEYWARD_CHAIN_CODE, ck::CKA_EC_POINT] {
            assert_eq!(again.get(id), private.get(id));
        }
        let (_, other) = fresh(key_type, curve, &Params::None).unwrap();
        assert_ne!(other.get(ck::CKA_VALUE), private.get(ck::CKA_VALUE));
        assert!(other.bytes(ck::CKA_KEYWARD_WALLET_NAME).is_none());
    }
    assert_eq!(fresh(ck::CKK_EC, P256, &Params::None), Err(CurveNotSupported));
    assert_eq!(fresh(ck::CKK_EC, SECP256K1, &Params::Iv(Default::default())), Err(MechanismParamInvalid));
}

fn argon2id(password: &[u8], salt: &[u8], [memory, passes, lanes]: [ck::CK_ULONG; 3]) -> Params {
    let (password, salt) = (password.into(), salt.to_vec());
    kdf(Kdf::Argon2id(Argon2id { password, salt, memory, passes, lanes }))
}

/// Against Python's cryptography 48.0, which runs OpenSSL's.
#[test]
fn argon2id_of_another_implementation() {
    let generate = row(ck::CKM_KEYWARD_ARGON2ID).ops.generate.unwrap();
    for (password, salt, numbers, expected) in [
        (
            &b"password"[..],
            &b"somesalt"[..],
            [64, 3, 4],
            "36851f84994b0c2f330f18f4f084985deef6d18d92d76ef7f3a72eb10e593e8304d6c3b317a8f3b03f826823c0193f1f7fdba464ed4212372029f41d9f917e99",
        ),
        (b"password", b"somesalt", [256, 1, 1], "e512d668"),
        (
            b"",
            b"0123456789abcdef",
            [32, 2, 2],
            "be10bf7905631369876d988c3a76b735a621844875bcf3e859748cbe7c758aeeb43fcd45942c4ed7b31529138e8cb8fad54370decdf6354298be8821139b898ef2ed28cd349f4edc4a7921ce511d4ef76007c433fb4ee6382fcacd5df1f48f1d8ed34ff8",
        ),
        (&[1; 32], &[2; 16], [32, 3, 4], "03aab965c12001c9d7d0d2de33192c0494b684bb148196d73c1df1acaf6d0c2e"),
        (b"differentpassword", b"somesalt", [256, 2, 2], "5301f9e45ef876dee041a1505beed7262df8c308daa033c3"),
    ] {
        let expected = hex(expected);
        let template = object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET)
            .with(ck::CKA_VALUE_LEN, wanted(expected.len()));
        let key = generate(&argon2id(password, salt, numbers), &template).unwrap();
        assert_eq!(key[..], expected);
        if !password.is_empty() {
            let params = argon2id(b"", salt, numbers);
            let base = (&generic(password), &[][..]);
            let derived = derive(ck::CKM_KEYWARD_ARGON2ID, base, params, &len(expected.len()));
            assert_eq!(value_of(derived).unwrap(), expected);
        }
    }
}

#[test]
fn argon2id_within_bounds() {
    let base = base(ck::CKK_AES, &[3; 16]);
    let run = |params, template| value_of(derive(ck::CKM_KEYWARD_ARGON2ID, (&base, &[]), params, &template));
    let aes = len(32).with(ck::CKA_KEY_TYPE, ck::CKK_AES);
    assert_eq!(run(argon2id(b"", b"somesalt", [8, 1, 1]), aes).map(|key| key.len()), Ok(32));
    assert_eq!(run(argon2id(b"", b"somesalt", [8, 1, 1]), Template::new()), Err(TemplateIncomplete));
    assert_eq!(run(argon2id(b"", b"somesalt", [8, 1, 1]), len(3)), Err(KeySizeRange));
    assert_eq!(run(argon2id(b"p", b"somesalt", [8, 1, 1]), len(16)), Err(MechanismParamInvalid));
    assert_eq!(run(argon2id(b"", b"7 bytes", [8, 1, 1]), len(16)), Err(MechanismParamInvalid));
    for numbers in [
        [7, 1, 1],
        [15, 1, 2],
        [8, 0, 1],
        [8, 1, 0],
        [0, 0, 0],
        [1 << 10, 1, 65],
        [(1 << 21) + 1, 1, 1],
        [1 << 21, 33, 1],
        [8, (1 << 16) + 1, 1],
        [ck::CK_ULONG::MAX, 1, 1],
        [8, ck::CK_ULONG::MAX, 1],
        [8, 1, ck::CK_ULONG::MAX],
    ] {
        let refused = run(argon2id(b"", b"somesalt", numbers), len(16));
        assert_eq!(refused, Err(MechanismParamInvalid), "{numbers:?}");
    }
}

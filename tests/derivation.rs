//! C_DeriveKey through the C ABI: several keys at once, keys named in parameters, and parameters that lie.

#![allow(clippy::unwrap_used)]

mod common;

use std::ptr::null_mut;

use common::token;
use keyward::types::ck::{
    CK_KEYWARD_ARGON2ID_PARAMS, CK_KEYWARD_BIP32_CHILD_PARAMS, CK_KEYWARD_BIP32_MASTER_PARAMS,
    CK_KEYWARD_BIP39_SEED_PARAMS, CK_KEYWARD_MNEMONIC_LEN, CKA_KEYWARD_CHAIN_CODE,
    CKA_KEYWARD_WALLET_ADDRESS, CKA_KEYWARD_WALLET_NAME, CKM_KEYWARD_ARGON2ID,
    CKM_KEYWARD_BIP32_CHILD_DERIVE, CKM_KEYWARD_BIP32_MASTER_DERIVE, CKM_KEYWARD_BIP32_MASTER_GEN,
    CKM_KEYWARD_BIP39_SEED_IMPORT,
};
use keyward_conformance::ck::*;
use keyward_conformance::token::TestToken;
use keyward_conformance::{Attr, Mech, Object, RawTemplate, Rv, Session};

fn secret(session: &Session, value: &[u8], derives: bool) -> Object {
    let template = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::bool(CKA_DERIVE, derives),
        Attr::value(value),
    ];
    session.create(&template).unwrap()
}

fn ready() -> (TestToken, Session) {
    let token = token();
    let session = token.user_session().unwrap();
    (token, session)
}

fn size<T>() -> CK_ULONG {
    CK_ULONG::try_from(size_of::<T>()).unwrap()
}

/// C_DeriveKey with any pointer for the handle.
fn derive(
    session: &Session,
    mech: &Mech,
    base: Object,
    template: &[Attr],
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    let function = session.module().functions().C_DeriveKey.unwrap();
    let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
    // SAFETY: live structures; `key` is null or a live handle.
    unsafe { function(session.handle(), &mut mech, base, raw.as_mut_ptr(), raw.count(), key) }
}

struct Traffic {
    client: [u8; 32],
    server: [u8; 32],
    ivs: [[u8; 16]; 2],
    out: CK_SSL3_KEY_MAT_OUT,
}

impl Traffic {
    fn new() -> Box<Self> {
        let out = CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: 77,
            hServerMacSecret: 77,
            hClientKey: 77,
            hServerKey: 77,
            pIVClient: null_mut(),
            pIVServer: null_mut(),
        };
        let mut new = Box::new(Traffic { client: [1; 32], server: [2; 32], ivs: [[0; 16]; 2], out });
        new.out.pIVClient = new.ivs[0].as_mut_ptr();
        new.out.pIVServer = new.ivs[1].as_mut_ptr();
        new
    }

    fn mech(&mut self, kind: CK_MECHANISM_TYPE, mac_bits: CK_ULONG) -> Mech {
        let params = CK_TLS12_KEY_MAT_PARAMS {
            ulMacSizeInBits: mac_bits,
            ulKeySizeInBits: 128,
            ulIVSizeInBits: 128,
            bIsExport: 0,
            RandomInfo: CK_SSL3_RANDOM_DATA {
                pClientRandom: self.client.as_mut_ptr(),
                ulClientRandomLen: 32,
                pServerRandom: self.server.as_mut_ptr(),
                ulServerRandomLen: 32,
            },
            pReturnedKeyMaterial: &mut self.out,
            prfHashMechanism: CKM_SHA256,
        };
        Mech::with_struct(kind, &params, Vec::new())
    }
}

#[test]
fn traffic_keys_come_at_once_and_in_the_parameter() {
    let (_token, session) = ready();
    let master = secret(&session, &[9; 48], true);
    let template = [Attr::key_type(CKK_AES), Attr::label("traffic")];
    let mut traffic = Traffic::new();
    let mech = traffic.mech(CKM_TLS12_KEY_AND_MAC_DERIVE, 160);
    assert_eq!(derive(&session, &mech, master, &template, null_mut()), CKR_OK);
    let out = &traffic.out;
    let made = [out.hClientMacSecret, out.hServerMacSecret, out.hClientKey, out.hServerKey];
    let mut found = session.find(&[Attr::label("traffic")]).unwrap();
    found.sort_unstable();
    let mut sorted = made;
    sorted.sort_unstable();
    assert_eq!(found, sorted);
    let lens = made.map(|key| session.get(key, CKA_VALUE).unwrap().len());
    assert_eq!(lens, [20, 20, 16, 16]);
    assert!(traffic.ivs[0] != [0; 16] && traffic.ivs[0] != traffic.ivs[1]);

    // The safe one makes no IV, whatever its structure says; and without MACs there are no handles for them.
    let mut safe = Traffic::new();
    (safe.out.pIVClient, safe.out.pIVServer) = (null_mut(), null_mut());
    let mech = safe.mech(CKM_TLS12_KEY_SAFE_DERIVE, 0);
    let mut unused = 5;
    assert_eq!(derive(&session, &mech, master, &template, &mut unused), CKR_OK);
    assert_eq!((safe.out.hClientMacSecret, safe.out.hServerMacSecret, unused), (0, 0, 0));
    assert!(safe.out.hClientKey != 77 && safe.out.hServerKey != 77);
    assert_eq!(safe.ivs, [[0; 16]; 2]);

    // A failure makes none and writes nothing.
    let before = session.find(&[]).unwrap().len();
    let mut failed = Traffic::new();
    let mech = failed.mech(CKM_TLS12_KEY_AND_MAC_DERIVE, 160);
    let wrong = [Attr::key_type(CKK_AES), Attr::value_len(32)];
    assert_eq!(derive(&session, &mech, master, &wrong, null_mut()), CKR_KEY_SIZE_RANGE);
    assert_eq!((failed.out.hClientKey, failed.ivs), (77, [[0; 16]; 2]));
    assert_eq!(session.find(&[]).unwrap().len(), before);

    failed.out.pIVServer = null_mut();
    let mech = failed.mech(CKM_TLS12_KEY_AND_MAC_DERIVE, 160);
    assert_eq!(derive(&session, &mech, master, &template, null_mut()), CKR_MECHANISM_PARAM_INVALID);
    // Other mechanisms still need a place for the handle.
    let hkdf = Mech::hkdf(CKM_SHA256, true, false, b"salt", b"");
    assert_eq!(derive(&session, &hkdf, master, &[], null_mut()), CKR_ARGUMENTS_BAD);
}

#[test]
fn the_version_in_a_pre_master_secret_is_told() {
    let (_token, session) = ready();
    let version = CK_VERSION { major: 3, minor: 3 };
    let mech = Mech::with_struct(CKM_TLS_PRE_MASTER_KEY_GEN, &version, Vec::new());
    let pre_master = session.generate_key(&mech, &[Attr::bool(CKA_DERIVE, true)]).unwrap();
    let (mut random, mut told) = ([3; 32], CK_VERSION { major: 0, minor: 0 });
    let params = CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: CK_SSL3_RANDOM_DATA {
            pClientRandom: random.as_mut_ptr(),
            ulClientRandomLen: 32,
            pServerRandom: random.as_mut_ptr(),
            ulServerRandomLen: 32,
        },
        pVersion: &mut told,
        prfHashMechanism: CKM_SHA256,
    };
    let mech = Mech::with_struct(CKM_TLS12_MASTER_KEY_DERIVE, &params, Vec::new());
    session.derive(&mech, pre_master, &[]).unwrap();
    assert_eq!((told.major, told.minor), (3, 3));
}

/// One segment, and one additional key by this template.
fn counter_mode(
    session: &Session,
    base: Object,
    additional: &[Attr],
    handle: &mut CK_OBJECT_HANDLE,
    change: impl FnOnce(&mut CK_SP800_108_KDF_PARAMS),
) -> Result<Object, Rv> {
    let mut format = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: 0, ulWidthInBits: 32 };
    let mut segment = CK_PRF_DATA_PARAM {
        type_: CK_SP800_108_ITERATION_VARIABLE,
        pValue: (&raw mut format).cast(),
        ulValueLen: size::<CK_SP800_108_COUNTER_FORMAT>(),
    };
    let mut raw = RawTemplate::new(additional);
    let mut key =
        CK_DERIVED_KEY { pTemplate: raw.as_mut_ptr(), ulAttributeCount: raw.count(), phKey: handle };
    let mut params = CK_SP800_108_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: 1,
        pDataParams: &mut segment,
        ulAdditionalDerivedKeys: 1,
        pAdditionalDerivedKeys: &mut key,
    };
    change(&mut params);
    let mech = Mech::with_struct(CKM_SP800_108_COUNTER_KDF, &params, Vec::new());
    session.derive(&mech, base, &[Attr::value_len(48)])
}

#[test]
fn additional_keys_and_the_template_to_blame() {
    let (_token, session) = ready();
    let base = secret(&session, &[4; 32], true);
    let mut handle = 99;
    let good = [Attr::key_type(CKK_AES), Attr::value_len(16), Attr::label("second")];
    let first = counter_mode(&session, base, &good, &mut handle, |_| {}).unwrap();
    assert_eq!(session.find(&[Attr::label("second")]).unwrap(), [handle]);
    assert_eq!(session.get(first, CKA_VALUE).unwrap().len(), 48);
    assert_eq!(session.get(handle, CKA_VALUE).unwrap().len(), 16);

    let before = session.find(&[]).unwrap().len();
    let mut handle = 99;
    let bad = [Attr::key_type(CKK_AES), Attr::value_len(17)];
    assert_eq!(
        counter_mode(&session, base, &bad, &mut handle, |_| {}).unwrap_err(),
        CKR_ATTRIBUTE_VALUE_INVALID
    );
    assert_eq!(handle, CK_INVALID_HANDLE, "the template to blame");
    assert_eq!(session.find(&[]).unwrap().len(), before);

    // Nobody's template is to blame for these.
    let lies: [fn(&mut CK_SP800_108_KDF_PARAMS); 6] = [
        |params| params.ulNumberOfDataParams = CK_ULONG::MAX,
        |params| params.ulNumberOfDataParams = CK_ULONG::MAX / 24 + 2,
        |params| params.ulAdditionalDerivedKeys = CK_ULONG::MAX,
        |params| params.pDataParams = null_mut(),
        |params| params.pAdditionalDerivedKeys = null_mut(),
        |params| params.prfType = CKM_SHA256,
    ];
    for lie in lies {
        let mut handle = 99;
        let refused = counter_mode(&session, base, &good, &mut handle, lie).unwrap_err();
        assert_eq!(refused, CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(handle, 99);
    }
}

#[test]
fn segments_that_lie_are_refused() {
    let (_token, session) = ready();
    let base = secret(&session, &[4; 32], true);
    let mut handle = 0;
    let good = [Attr::value_len(16)];
    let mut bytes = [7u8; 16];
    let place = bytes.as_mut_ptr().cast();
    for (type_, pointer, len) in [
        (CK_SP800_108_BYTE_ARRAY, place, CK_ULONG::MAX),
        (CK_SP800_108_BYTE_ARRAY, null_mut(), 16),
        (CK_SP800_108_COUNTER, place, 15),
        (CK_SP800_108_DKM_LENGTH, place, 16),
        (CK_SP800_108_KEY_HANDLE, null_mut(), 8),
        (CK_ULONG::MAX, place, 16),
    ] {
        let mut segment = CK_PRF_DATA_PARAM { type_, pValue: pointer, ulValueLen: len };
        let refused = counter_mode(&session, base, &good, &mut handle, |params| {
            params.pDataParams = &mut segment;
        });
        assert_eq!(refused.unwrap_err(), CKR_MECHANISM_PARAM_INVALID, "{type_} {len}");
    }
}

#[test]
fn keys_in_parameters_are_checked_as_the_base_key_is() {
    let (_token, session) = ready();
    let base = secret(&session, b"base", true);
    let join = |other| session.derive(&Mech::ulong(CKM_CONCATENATE_BASE_AND_KEY, other), base, &[]);
    let joined = join(secret(&session, b" and key", true)).unwrap();
    assert_eq!(session.get(joined, CKA_VALUE).unwrap(), b"base and key");
    assert_eq!(join(secret(&session, b"no", false)).unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(join(0xdead).unwrap_err(), CKR_KEY_HANDLE_INVALID);
    let data = session.create(&[Attr::class(CKO_DATA), Attr::value(b"data")]).unwrap();
    assert_eq!(join(data).unwrap_err(), CKR_KEY_HANDLE_INVALID);
}

#[test]
fn a_public_key_comes_of_any_private_key() {
    let (_token, session) = ready();
    let (public, private) = common::ec_pair(&session, b"pair").unwrap();
    let again = session.derive(&Mech::new(CKM_PUB_KEY_FROM_PRIV_KEY), private, &[]).unwrap();
    for id in [CKA_EC_POINT, CKA_ID, CKA_PUBLIC_KEY_INFO] {
        assert_eq!(session.get(again, id).unwrap(), session.get(public, id).unwrap());
    }
    let signature = common::sign(&session, private).unwrap();
    session.verify(&Mech::new(CKM_ECDSA), again, &[7; 32], &signature).unwrap();
    let mech = Mech::new(CKM_PUB_KEY_FROM_PRIV_KEY);
    assert_eq!(session.derive(&mech, public, &[]).unwrap_err(), CKR_KEY_TYPE_INCONSISTENT);
}

const SECP256K1: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 10];

/// A child of a wallet's private key.
fn child(session: &Session, parent: Object, index: CK_ULONG, hardened: bool) -> Result<Object, Rv> {
    let params = CK_KEYWARD_BIP32_CHILD_PARAMS { ulIndex: index, bHardened: hardened.into() };
    let mech = Mech::with_struct(CKM_KEYWARD_BIP32_CHILD_DERIVE, &params, Vec::new());
    session.derive(&mech, parent, &[Attr::bool(CKA_DERIVE, true)])
}

/// A fresh wallet shows its sentence once; the sentence restores it.
#[test]
fn a_wallet_is_made_and_restored() {
    let (_token, session) = ready();
    let (name, mut sentence) = (b"savings".to_vec(), vec![0u8; 256]);
    let mut params = CK_KEYWARD_BIP32_MASTER_PARAMS {
        pWalletName: name.as_ptr().cast_mut(),
        ulWalletNameLen: 7,
        pMnemonic: sentence.as_mut_ptr(),
        ulMnemonicLen: CK_KEYWARD_MNEMONIC_LEN - 1,
    };
    let public = [Attr::bytes(CKA_EC_PARAMS, SECP256K1)];
    let private = [Attr::bool(CKA_DERIVE, true), Attr::bool(CKA_SENSITIVE, true)];
    let make = |params: &CK_KEYWARD_BIP32_MASTER_PARAMS| {
        let mech = Mech::with_struct(CKM_KEYWARD_BIP32_MASTER_GEN, params, Vec::new());
        session.generate_pair(&mech, &public, &private)
    };
    assert_eq!(make(&params).unwrap_err(), CKR_MECHANISM_PARAM_INVALID, "no room for the sentence");
    params.ulMnemonicLen = CK_KEYWARD_MNEMONIC_LEN;
    let (public, master) = make(&params).unwrap();
    for object in [public, master] {
        assert_eq!(session.get(object, CKA_KEYWARD_WALLET_NAME).unwrap(), b"savings");
        assert_eq!(session.get(object, CKA_KEYWARD_WALLET_ADDRESS).unwrap(), b"m");
    }
    assert_eq!(session.get(master, CKA_KEYWARD_CHAIN_CODE).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(session.get(public, CKA_KEYWARD_CHAIN_CODE).unwrap_err(), CKR_ATTRIBUTE_TYPE_INVALID);
    let leaf = child(&session, child(&session, master, 44, true).unwrap(), 7, false).unwrap();
    assert_eq!(session.get(leaf, CKA_KEYWARD_WALLET_ADDRESS).unwrap(), b"m/44'/7");
    assert_eq!(session.get(leaf, CKA_VALUE).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(child(&session, master, 1 << 31, true).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);

    let len = sentence.iter().position(|byte| *byte == 0).unwrap();
    let params = CK_KEYWARD_BIP39_SEED_PARAMS {
        pMnemonic: sentence.as_mut_ptr(),
        ulMnemonicLen: CK_ULONG::try_from(len).unwrap(),
        pPassphrase: null_mut(),
        ulPassphraseLen: 0,
    };
    let import = Mech::with_struct(CKM_KEYWARD_BIP39_SEED_IMPORT, &params, Vec::new());
    let seed = session
        .generate_key(&import, &[Attr::ulong(CKA_VALUE_LEN, 64), Attr::bool(CKA_DERIVE, true)])
        .unwrap();
    let restore = Mech::new(CKM_KEYWARD_BIP32_MASTER_DERIVE);
    let again = session.derive(&restore, seed, &[Attr::bool(CKA_DERIVE, true)]).unwrap();
    let leaf_again = child(&session, child(&session, again, 44, true).unwrap(), 7, false).unwrap();
    let point = |key| session.get(key, CKA_EC_POINT).unwrap();
    assert_eq!((point(again), point(leaf_again)), (point(master), point(leaf)));
    let signature = session.sign(&Mech::new(CKM_ECDSA), leaf_again, &[5; 32]).unwrap();
    assert_eq!(signature.len(), 64);
    assert_eq!(child(&session, seed, 0, true).unwrap_err(), CKR_KEY_TYPE_INCONSISTENT);
}

#[test]
fn argon2id_out_of_a_password_and_out_of_a_key() {
    let (_token, session) = ready();
    let (mut password, mut salt) = (b"password".to_vec(), b"somesalt".to_vec());
    let params = |password: &mut [u8], salt: &mut [u8], memory| CK_KEYWARD_ARGON2ID_PARAMS {
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: CK_ULONG::try_from(password.len()).unwrap(),
        pSalt: salt.as_mut_ptr(),
        ulSaltLen: CK_ULONG::try_from(salt.len()).unwrap(),
        ulMemoryKiB: memory,
        ulPasses: 3,
        ulLanes: 4,
    };
    let mech = |params| Mech::with_struct(CKM_KEYWARD_ARGON2ID, &params, Vec::new());
    let open = [
        Attr::ulong(CKA_VALUE_LEN, 16),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::key_type(CKK_AES),
    ];
    let from_password = mech(params(&mut password, &mut salt, 64));
    let one = session.generate_key(&from_password, &open).unwrap();
    let base = secret(&session, b"password", true);
    let two = session.derive(&mech(params(&mut [], &mut salt, 64)), base, &open).unwrap();
    assert_eq!(session.get(one, CKA_VALUE), session.get(two, CKA_VALUE));
    assert_eq!(session.derive(&from_password, base, &open).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    for memory in [0, (1 << 21) + 1, CK_ULONG::MAX] {
        let hostile = mech(params(&mut password, &mut salt, memory));
        assert_eq!(session.generate_key(&hostile, &open).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    }
    let mut lies = params(&mut password, &mut salt, 64);
    lies.ulSaltLen = CK_ULONG::MAX;
    assert_eq!(session.generate_key(&mech(lies), &open).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    lies = CK_KEYWARD_ARGON2ID_PARAMS { pPassword: null_mut(), ..params(&mut password, &mut salt, 64) };
    assert_eq!(session.generate_key(&mech(lies), &open).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
}

//! Every operation with a key against everything that may forbid it: the key's own attributes, and the configuration.
//!
//! The table has every function of PKCS#11 v3.2 that takes a mechanism and a key. One that answers that it is not there
//! is left out; as soon as it is, it has to obey.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{library, token, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::token::LABEL;
use keyward_conformance::{Attr, Mech, Module, Object, RW, Rv, Session, TestToken};

/// A value of an AES key with 128 bits, which makes wrapped keys comparable between tokens.
const VALUE: [u8; 16] = [0x42; 16];
/// The least sizes that none of the keys here has.
const LARGE: &str = "policy.min_rsa_bits=4096 policy.min_ec_bits=384 policy.min_secret_bits=192";

/// The keys that operations are tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Aes,
    Rsa,
    Ec,
    MlKem,
}

const KINDS: [Kind; 4] = [Kind::Aes, Kind::Rsa, Kind::Ec, Kind::MlKem];

/// Which half of a pair an operation is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Public,
    Private,
}

/// Both halves of a pair; twice the same for a secret key.
#[derive(Debug, Clone, Copy)]
struct Pair {
    public: Object,
    private: Object,
}

impl Pair {
    fn half(&self, half: Half) -> Object {
        match half {
            Half::Public => self.public,
            Half::Private => self.private,
        }
    }
}

/// Makes such a key that may do everything, but for `extra` in the half that is used.
fn make(session: &Session, kind: Kind, half: Half, extra: &[Attr]) -> Result<Pair, Rv> {
    let named = [Attr::token(true), Attr::label(&format!("{kind:?}"))];
    let with = |of: Half, own: &[Attr]| {
        let extra = if of == half { extra } else { &[] };
        let replaced = |attr: &&Attr| extra.iter().all(|extra| extra.kind() != attr.kind());
        let kept: Vec<Attr> = named.iter().chain(own).filter(replaced).cloned().collect();
        [&kept[..], extra].concat()
    };
    let on =
        |flags: &[CK_ATTRIBUTE_TYPE]| flags.iter().map(|flag| Attr::bool(*flag, true)).collect::<Vec<_>>();
    let pair = |mechanism, public: Vec<Attr>, private: Vec<Attr>| {
        let (public, private) = (with(Half::Public, &public), with(Half::Private, &private));
        let (public, private) = session.generate_pair(&Mech::new(mechanism), &public, &private)?;
        Ok(Pair { public, private })
    };
    match kind {
        Kind::Aes => {
            let flags = on(&[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP]);
            let key = [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES), Attr::value(&VALUE)];
            let own = [&key[..], &flags].concat();
            let key = session.create(&with(half, &own))?;
            Ok(Pair { public: key, private: key })
        }
        Kind::Rsa => {
            let public = on(&[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP]);
            let private = on(&[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP]);
            let size = [Attr::ulong(CKA_MODULUS_BITS, 2048)];
            pair(CKM_RSA_PKCS_KEY_PAIR_GEN, [&size[..], &public].concat(), private)
        }
        Kind::Ec => {
            const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
            let public = vec![Attr::bytes(CKA_EC_PARAMS, &P256), Attr::bool(CKA_VERIFY, true)];
            pair(CKM_EC_KEY_PAIR_GEN, public, on(&[CKA_SIGN, CKA_DERIVE]))
        }
        Kind::MlKem => {
            let set = [Attr::ulong(CKA_PARAMETER_SET, CKP_ML_KEM_512)];
            let public = [&set[..], &on(&[CKA_ENCAPSULATE])].concat();
            pair(CKM_ML_KEM_KEY_PAIR_GEN, public, on(&[CKA_DECAPSULATE]))
        }
    }
}

/// What an operation has at hand beside the key.
struct Work<'a> {
    session: &'a Session,
    pair: Pair,
    /// An AES key of 256 bits, to be wrapped.
    secret: Object,
    /// The same, wrapped by the AES key with CKM_AES_KEY_WRAP_KWP.
    wrapped: &'a [u8],
}

struct Operation {
    function: &'static str,
    kind: Kind,
    half: Half,
    usage: CK_ATTRIBUTE_TYPE,
    mechanism: (CK_MECHANISM_TYPE, &'static str),
    /// The CKR of a key that is too small.
    small: CK_RV,
    /// False for what a build may lack.
    always: bool,
    run: fn(&Work<'_>) -> Result<(), Rv>,
}

/// The parameter of authenticated wrapping.
fn gcm_message() -> Mech {
    Mech::gcm_message(&[9; 12], 0, CKG_NO_GENERATE, &[0; 16])
}

fn gcm() -> Mech {
    Mech::gcm(&[7; 12], b"", 128)
}

fn secret_template() -> [Attr; 2] {
    [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES)]
}

macro_rules! mechanism {
    ($name:ident) => {
        ($name, stringify!($name))
    };
}

macro_rules! operations {
    ($($function:ident: $kind:ident $half:ident $usage:ident $mechanism:ident $small:ident $always:literal $run:expr;)*) => {
        [$(Operation {
            function: stringify!($function),
            kind: Kind::$kind,
            half: Half::$half,
            usage: $usage,
            mechanism: mechanism!($mechanism),
            small: $small,
            always: $always,
            run: $run,
        }),*]
    };
}

/// Every function of PKCS#11 v3.2 with a mechanism and a key.
const OPERATIONS: [Operation; 22] = operations! {
    C_EncryptInit: Aes Public CKA_ENCRYPT CKM_AES_GCM CKR_KEY_SIZE_RANGE true
        |w| w.session.encrypt_init(&gcm(), w.pair.public);
    C_DecryptInit: Aes Private CKA_DECRYPT CKM_AES_GCM CKR_KEY_SIZE_RANGE true
        |w| w.session.decrypt_init(&gcm(), w.pair.private);
    C_SignInit: Rsa Private CKA_SIGN CKM_SHA256_RSA_PKCS CKR_KEY_SIZE_RANGE true
        |w| w.session.sign_init(&Mech::new(CKM_SHA256_RSA_PKCS), w.pair.private);
    C_SignInit: Ec Private CKA_SIGN CKM_ECDSA CKR_KEY_SIZE_RANGE true
        |w| w.session.sign_init(&Mech::new(CKM_ECDSA), w.pair.private);
    C_SignRecoverInit: Rsa Private CKA_SIGN_RECOVER CKM_RSA_PKCS CKR_KEY_SIZE_RANGE false
        |w| w.session.sign_recover_init(&Mech::new(CKM_RSA_PKCS), w.pair.private);
    C_VerifyInit: Rsa Public CKA_VERIFY CKM_SHA256_RSA_PKCS CKR_KEY_SIZE_RANGE true
        |w| w.session.verify_init(&Mech::new(CKM_SHA256_RSA_PKCS), w.pair.public);
    C_VerifyInit: Ec Public CKA_VERIFY CKM_ECDSA CKR_KEY_SIZE_RANGE true
        |w| w.session.verify_init(&Mech::new(CKM_ECDSA), w.pair.public);
    C_VerifyRecoverInit: Rsa Public CKA_VERIFY_RECOVER CKM_RSA_PKCS CKR_KEY_SIZE_RANGE false
        |w| w.session.verify_recover_init(&Mech::new(CKM_RSA_PKCS), w.pair.public);
    C_VerifySignatureInit: Rsa Public CKA_VERIFY CKM_SHA256_RSA_PKCS CKR_KEY_SIZE_RANGE false
        |w| w.session.verify_signature_init(&Mech::new(CKM_SHA256_RSA_PKCS), w.pair.public, &[1; 256]);
    C_MessageEncryptInit: Aes Public CKA_ENCRYPT CKM_AES_GCM CKR_KEY_SIZE_RANGE false
        |w| w.session.message_encrypt_init(&Mech::new(CKM_AES_GCM), w.pair.public);
    C_MessageDecryptInit: Aes Private CKA_DECRYPT CKM_AES_GCM CKR_KEY_SIZE_RANGE false
        |w| w.session.message_decrypt_init(&Mech::new(CKM_AES_GCM), w.pair.private);
    C_MessageSignInit: Rsa Private CKA_SIGN CKM_SHA256_RSA_PKCS CKR_KEY_SIZE_RANGE false
        |w| w.session.message_sign_init(&Mech::new(CKM_SHA256_RSA_PKCS), w.pair.private);
    C_MessageVerifyInit: Rsa Public CKA_VERIFY CKM_SHA256_RSA_PKCS CKR_KEY_SIZE_RANGE false
        |w| w.session.message_verify_init(&Mech::new(CKM_SHA256_RSA_PKCS), w.pair.public);
    C_WrapKey: Aes Public CKA_WRAP CKM_AES_KEY_WRAP_KWP CKR_WRAPPING_KEY_SIZE_RANGE true
        |w| w.session.wrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), w.pair.public, w.secret).map(drop);
    C_WrapKey: Rsa Public CKA_WRAP CKM_RSA_PKCS CKR_WRAPPING_KEY_SIZE_RANGE true
        |w| w.session.wrap(&Mech::new(CKM_RSA_PKCS), w.pair.public, w.secret).map(drop);
    C_UnwrapKey: Aes Private CKA_UNWRAP CKM_AES_KEY_WRAP_KWP CKR_UNWRAPPING_KEY_SIZE_RANGE true
        |w| {
            let mech = Mech::new(CKM_AES_KEY_WRAP_KWP);
            w.session.unwrap(&mech, w.pair.private, w.wrapped, &secret_template()).map(drop)
        };
    C_WrapKeyAuthenticated: Aes Public CKA_WRAP CKM_AES_GCM CKR_WRAPPING_KEY_SIZE_RANGE false
        |w| w.session.wrap_authenticated(&gcm_message(), w.pair.public, w.secret, b"").map(drop);
    // What is unwrapped is nothing that was wrapped: the key is looked at first.
    C_UnwrapKeyAuthenticated: Aes Private CKA_UNWRAP CKM_AES_GCM CKR_UNWRAPPING_KEY_SIZE_RANGE false
        |w| {
            let template = secret_template();
            match w.session.unwrap_authenticated(&gcm_message(), w.pair.private, &[1; 48], &template, b"") {
                Err(rv) if rv.is_one_of(&[CKR_WRAPPED_KEY_INVALID, CKR_AEAD_DECRYPT_FAILED]) => Ok(()),
                answer => answer.map(drop),
            }
        };
    C_DeriveKey: Ec Private CKA_DERIVE CKM_ECDH1_DERIVE CKR_KEY_SIZE_RANGE true
        |w| {
            let point = w.session.get(w.pair.public, CKA_EC_POINT)?;
            let template = [&secret_template()[..], &[Attr::value_len(32)]].concat();
            let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &point);
            w.session.derive(&mech, w.pair.private, &template).map(drop)
        };
    C_EncapsulateKey: MlKem Public CKA_ENCAPSULATE CKM_ML_KEM CKR_OK false
        |w| w.session.encapsulate(&Mech::new(CKM_ML_KEM), w.pair.public, &secret_template()).map(drop);
    C_DecapsulateKey: MlKem Private CKA_DECAPSULATE CKM_ML_KEM CKR_OK false
        |w| {
            let mech = Mech::new(CKM_ML_KEM);
            let (ciphertext, _) = w.session.encapsulate(&mech, w.pair.public, &secret_template())?;
            w.session.decapsulate(&mech, w.pair.private, &ciphertext, &secret_template()).map(drop)
        };
    C_SignInit: Aes Private CKA_SIGN CKM_AES_CMAC CKR_KEY_SIZE_RANGE false
        |w| w.session.sign_init(&Mech::new(CKM_AES_CMAC), w.pair.private);
};

fn is_absent(rv: Rv) -> bool {
    rv.is_one_of(&[CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID])
}

impl Operation {
    fn name(&self) -> String {
        format!("{} with {}", self.function, self.mechanism.1)
    }

    /// Runs it in a session of its own.
    fn run_with(&self, module: &Module, pair: Pair, secret: Object, wrapped: &[u8]) -> Result<(), Rv> {
        let slot = module.slot_of(LABEL)?.unwrap();
        let session = module.open_session(slot, RW)?;
        (self.run)(&Work { session: &session, pair, secret, wrapped })
    }
}

/// A token with the keys, and what the operations want beside them.
struct Bench {
    token: TestToken,
    session: Session,
    secret: Object,
    wrapped: Vec<u8>,
    pairs: Vec<(Kind, Pair)>,
}

impl Bench {
    fn new(extra: &str) -> Bench {
        let token = common::token_with(extra);
        let session = token.user_session().unwrap();
        let pairs: Vec<_> = KINDS
            .into_iter()
            .filter_map(|kind| match make(&session, kind, Half::Private, &[]) {
                Err(rv) if kind == Kind::MlKem && is_absent(rv) => None,
                made => Some((kind, made.unwrap())),
            })
            .collect();
        let template = [
            Attr::token(true),
            Attr::label("secret"),
            Attr::value_len(32),
            Attr::bool(CKA_EXTRACTABLE, true),
        ];
        let secret = session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let wrapped = session.wrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), pairs[0].1.public, secret).unwrap();
        Bench { token, session, secret, wrapped, pairs }
    }

    fn pair(&self, kind: Kind) -> Option<Pair> {
        self.pairs.iter().find(|(of, _)| *of == kind).map(|(_, pair)| *pair)
    }

    /// The operations that are there, with nothing in their way.
    fn operations(&self) -> Vec<&'static Operation> {
        static ALL: [Operation; 22] = OPERATIONS;
        let works = |operation: &&Operation| {
            let Some(pair) = self.pair(operation.kind) else { return false };
            match operation.run_with(&self.token.module, pair, self.secret, &self.wrapped) {
                Err(rv) if !operation.always && is_absent(rv) => {
                    eprintln!("{} is not there: {rv}", operation.name());
                    false
                }
                answer => {
                    assert_eq!(Rv::of(&answer), CKR_OK, "{}", operation.name());
                    true
                }
            }
        };
        ALL.iter().filter(works).collect()
    }

    /// Every operation with a key of its own that has these attributes.
    #[track_caller]
    fn expect_with(&self, extra: impl Fn(&Operation) -> Vec<Attr>, wanted: impl Fn(&Operation) -> CK_RV) {
        for operation in self.operations() {
            let pair = make(&self.session, operation.kind, operation.half, &extra(operation)).unwrap();
            let answer = operation.run_with(&self.token.module, pair, self.secret, &self.wrapped);
            assert_eq!(Rv::of(&answer), wanted(operation), "{}", operation.name());
            self.session.destroy(pair.half(operation.half)).unwrap();
        }
    }

    /// Every operation in another process with another configuration.
    #[track_caller]
    fn expect_under(&self, reserved: &str, wanted: impl Fn(&Operation) -> CK_RV) {
        let operations = self.operations();
        let other = Module::load_private(library()).unwrap();
        other.initialize(Some(reserved)).unwrap();
        let session = user_session(&other);
        let find = |label: &str, class: CK_OBJECT_CLASS| {
            session.find(&[Attr::class(class), Attr::label(label)]).unwrap().first().copied()
        };
        let secret = find("secret", CKO_SECRET_KEY).unwrap();
        for operation in operations {
            let label = format!("{:?}", operation.kind);
            let key = find(&label, CKO_SECRET_KEY);
            let (public, private) = (find(&label, CKO_PUBLIC_KEY), find(&label, CKO_PRIVATE_KEY));
            let pair = Pair { public: public.or(key).unwrap(), private: private.or(key).unwrap() };
            let answer = operation.run_with(&other, pair, secret, &self.wrapped);
            assert_eq!(Rv::of(&answer), wanted(operation), "{} under {reserved}", operation.name());
        }
        other.finalize().unwrap();
    }

    fn reserved(&self, extra: &str) -> String {
        format!("dir='{}' kdf=fast {extra}", self.token.dir().display())
    }

    /// The same as a file, with further tables.
    fn file(&self, dir: &Path, tables: &str) -> String {
        let path = dir.join("keyward.toml");
        let text = format!("[soft]\ndir = '{}'\nkdf = 'fast'\n{tables}", self.token.dir().display());
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn names(operations: &[&Operation]) -> String {
    operations.iter().map(|operation| operation.mechanism.1).collect::<Vec<_>>().join(",")
}

#[test]
fn usage_flags_hold_everywhere() {
    let bench = Bench::new("");
    bench.expect_with(
        |operation| vec![Attr::bool(operation.usage, false)],
        |_| CKR_KEY_FUNCTION_NOT_PERMITTED,
    );
}

#[test]
fn allowed_mechanisms_hold_everywhere() {
    let bench = Bench::new("");
    bench.expect_with(
        |_| vec![Attr::mechanisms(CKA_ALLOWED_MECHANISMS, &[CKM_SHA512_256_HMAC_GENERAL])],
        |_| CKR_MECHANISM_INVALID,
    );
    bench.expect_with(
        |operation| vec![Attr::mechanisms(CKA_ALLOWED_MECHANISMS, &[operation.mechanism.0])],
        |_| CKR_OK,
    );
}

#[test]
fn dates_hold_everywhere_where_they_are_enforced() {
    let past = |_: &Operation| vec![Attr::string(CKA_END_DATE, "20200131")];
    let future = |_: &Operation| vec![Attr::string(CKA_START_DATE, "99991231")];
    let now = |_: &Operation| {
        vec![Attr::string(CKA_START_DATE, "20200131"), Attr::string(CKA_END_DATE, "99991231")]
    };
    let bench = Bench::new("policy.dates=enforce");
    bench.expect_with(past, |_| CKR_KEY_FUNCTION_NOT_PERMITTED);
    bench.expect_with(future, |_| CKR_KEY_FUNCTION_NOT_PERMITTED);
    bench.expect_with(now, |_| CKR_OK);
    let bench = Bench::new("");
    bench.expect_with(past, |_| CKR_OK);
    bench.expect_with(future, |_| CKR_OK);
}

#[test]
fn mechanisms_that_are_off_are_off_everywhere() {
    let bench = Bench::new("");
    let names = names(&bench.operations());
    bench.expect_under(&bench.reserved(&format!("slots.mechanisms='-{names}'")), |_| CKR_MECHANISM_INVALID);
    bench.expect_under(&bench.reserved("slots.mechanisms=CKM_SHA256"), |_| CKR_MECHANISM_INVALID);
    bench.expect_under(&bench.reserved(&format!("slots.mechanisms='{names}'")), |_| CKR_OK);
}

#[test]
fn a_token_has_mechanisms_of_its_own() {
    let bench = Bench::new("");
    let place = tempfile::tempdir().unwrap();
    let names = names(&bench.operations());
    let under =
        |table: String, wanted: CK_RV| bench.expect_under(&bench.file(place.path(), &table), |_| wanted);
    under(format!("[[token]]\nlabel = '{LABEL}'\nmechanisms = '-{names}'\n"), CKR_MECHANISM_INVALID);
    under(format!("[[token]]\nlabel = '{LABEL}'\nmechanisms = ['CKM_SHA256']\n"), CKR_MECHANISM_INVALID);
    under(format!("[[token]]\nlabel = 'another'\nmechanisms = '-{names}'\n"), CKR_OK);
    let info = bench.token.module.token_info(bench.token.slot).unwrap();
    let serial = keyward_conformance::text(&info.serialNumber);
    under(format!("[[token]]\nserial = '{serial}'\nmechanisms = '-{names}'\n"), CKR_MECHANISM_INVALID);
    under(format!("[[token]]\nserial = '{serial}'\nlabel = 'x'\nmechanisms = '-{names}'\n"), CKR_OK);
    // Whatever the token's list says, what is off for all stays off.
    let both =
        format!("[slots]\nmechanisms = '-{names}'\n[[token]]\nlabel = '{LABEL}'\nmechanisms = 'ALL'\n");
    under(both, CKR_MECHANISM_INVALID);
}

#[test]
fn a_token_s_own_list_is_what_it_shows() {
    let token = token();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("keyward.toml");
    let dir = token.dir().display();
    let text = format!(
        "[soft]\ndir = '{dir}'\nkdf = 'fast'\n[[token]]\nlabel = '{LABEL}'\nmechanisms = ['CKM_ECDSA', 'CKM_SHA256']\n"
    );
    std::fs::write(&path, text).unwrap();
    let other = Module::load_private(library()).unwrap();
    other.initialize(path.to_str()).unwrap();
    let slot = other.slot_of(LABEL).unwrap().unwrap();
    let mut shown = other.mechanisms(slot).unwrap();
    shown.sort_unstable();
    let mut wanted = [CKM_ECDSA, CKM_SHA256];
    wanted.sort_unstable();
    assert_eq!(shown, wanted);
    assert_eq!(other.mechanism_info(slot, CKM_AES_GCM).unwrap_err(), CKR_MECHANISM_INVALID);
    let session = other.open_session(slot, RW).unwrap();
    assert_eq!(session.find(&[Attr::class(CKO_MECHANISM)]).unwrap().len(), 2);
    assert_eq!(session.digest(&Mech::new(CKM_SHA384), b"").unwrap_err(), CKR_MECHANISM_INVALID);
    session.digest(&Mech::new(CKM_SHA256), b"").unwrap();
    other.finalize().unwrap();
}

#[test]
fn small_keys_are_refused_everywhere() {
    let bench = Bench::new("");
    bench.expect_under(&bench.reserved(LARGE), |operation| operation.small);
    let enough =
        "policy.min_rsa_bits=2048 policy.min_ec_bits=256 policy.min_secret_bits=128 policy.legacy=deny";
    bench.expect_under(&bench.reserved(enough), |_| CKR_OK);
}

#[test]
fn small_keys_are_not_made() {
    let bench = Bench::new("");
    let rsa = bench.pair(Kind::Rsa).unwrap();
    let ec = bench.pair(Kind::Ec).unwrap();
    let get = |key, kind| bench.session.get(key, kind).unwrap();
    let modulus = get(rsa.public, CKA_MODULUS);
    let (params, point) = (get(ec.public, CKA_EC_PARAMS), get(ec.public, CKA_EC_POINT));
    // Large enough itself, and what it wraps is not.
    let wrapping = bench.secret;
    let wrapped = bench.session.wrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), wrapping, {
        let template = [Attr::value_len(16), Attr::bool(CKA_EXTRACTABLE, true)];
        bench.session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
    });
    let wrapped = wrapped.unwrap();
    let other = Module::load_private(library()).unwrap();
    other.initialize(Some(&bench.reserved(&format!("{LARGE} policy.min_dh_bits=3072")))).unwrap();
    let session = user_session(&other);
    let found = |label| session.find(&[Attr::label(label)]).unwrap()[0];
    let refused: [(&str, Result<(), Rv>); 10] = [
        (
            "C_GenerateKey",
            session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(16)]).map(drop),
        ),
        ("C_GenerateKeyPair of RSA", make(&session, Kind::Rsa, Half::Private, &[]).map(drop)),
        ("C_GenerateKeyPair of EC", make(&session, Kind::Ec, Half::Private, &[]).map(drop)),
        ("C_CreateObject of AES", make(&session, Kind::Aes, Half::Private, &[]).map(drop)),
        (
            "C_CreateObject of RSA",
            session
                .create(&[
                    Attr::class(CKO_PUBLIC_KEY),
                    Attr::key_type(CKK_RSA),
                    Attr::bytes(CKA_MODULUS, &modulus),
                    Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
                ])
                .map(drop),
        ),
        (
            "C_CreateObject of EC",
            session
                .create(&[
                    Attr::class(CKO_PUBLIC_KEY),
                    Attr::key_type(CKK_EC),
                    Attr::bytes(CKA_EC_PARAMS, &params),
                    Attr::bytes(CKA_EC_POINT, &point),
                ])
                .map(drop),
        ),
        (
            "C_CreateObject of domain parameters",
            session
                .create(&[
                    Attr::class(CKO_DOMAIN_PARAMETERS),
                    Attr::key_type(CKK_DH),
                    Attr::bytes(CKA_PRIME, &[0xff; 256]),
                    Attr::bytes(CKA_BASE, &[2]),
                ])
                .map(drop),
        ),
        ("C_CopyObject", session.copy(found("Aes"), &[]).map(drop)),
        (
            "C_UnwrapKey",
            session
                .unwrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), found("secret"), &wrapped, &secret_template())
                .map(drop),
        ),
        ("C_DeriveKey", {
            let p384 = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
            let (public, private) = session
                .generate_pair(
                    &Mech::new(CKM_EC_KEY_PAIR_GEN),
                    &[Attr::bytes(CKA_EC_PARAMS, &p384)],
                    &[Attr::bool(CKA_DERIVE, true)],
                )
                .unwrap();
            let point = session.get(public, CKA_EC_POINT).unwrap();
            let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &point);
            let template = [&secret_template()[..], &[Attr::value_len(16)]].concat();
            session.derive(&mech, private, &template).map(drop)
        }),
    ];
    for (what, answer) in refused {
        assert_eq!(Rv::of(&answer), CKR_KEY_SIZE_RANGE, "{what}");
    }
    session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(24)]).unwrap();
    other.finalize().unwrap();
}

#[test]
fn a_key_that_wants_a_trusted_wrapping_key_gets_one() {
    let bench = Bench::new("");
    let wrapping = bench.pair(Kind::Aes).unwrap().public;
    let template =
        [Attr::value_len(32), Attr::bool(CKA_EXTRACTABLE, true), Attr::bool(CKA_WRAP_WITH_TRUSTED, true)];
    let wary = bench.session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
    for operation in bench.operations() {
        // Every way of wrapping, those that are yet to come included.
        let Some(pair) = bench.pair(operation.kind).filter(|_| operation.usage == CKA_WRAP) else { continue };
        let answer = operation.run_with(&bench.token.module, pair, wary, &bench.wrapped);
        assert_eq!(Rv::of(&answer), CKR_KEY_NOT_WRAPPABLE, "{}", operation.name());
    }
    let trust = [Attr::bool(CKA_TRUSTED, true)];
    assert_eq!(bench.session.set(wrapping, &trust).unwrap_err(), CKR_ATTRIBUTE_READ_ONLY);
}

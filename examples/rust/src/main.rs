//! A Rust program on a PKCS#11 token, by the crate `cryptoki`: generate, sign, verify, encrypt, wrap, derive, find.
//!
//! usage: consumer MODULE TOKEN DIRECTORY, the PIN in the environment variable PIN. Public keys, messages and signatures
//! go to DIRECTORY, for others to verify.

mod post_quantum;

use std::error::Error;
use std::fs;
use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

type Done = Result<(), Box<dyn Error>>;

const MESSAGE: &[u8] = b"signed in the token";
/// prime256v1, as an object identifier in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn main() -> Done {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: consumer MODULE TOKEN DIRECTORY");
    let (module, token, directory) = (argument()?, argument()?, argument()?);
    let pin = AuthPin::new(std::env::var("PIN")?.into());

    let pkcs11 = Pkcs11::new(module)?;
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slots = pkcs11.get_slots_with_initialized_token()?;
    let labelled = |slot: &&_| pkcs11.get_token_info(**slot).is_ok_and(|info| info.label() == token);
    let session = pkcs11.open_rw_session(*slots.iter().find(labelled).ok_or("no such token")?)?;
    let wrong = session.login(UserType::User, Some(&AuthPin::new("999999".into())));
    say("a wrong PIN is refused", wrong.is_err());
    session.login(UserType::User, Some(&pin))?;

    rsa(&session, Path::new(&directory))?;
    elliptic(&session, Path::new(&directory))?;
    post_quantum::run(&session, Path::new(&directory))?;
    secret(&session)?;
    let random = session.generate_random_vec(32)?;
    say("random numbers differ", random != session.generate_random_vec(32)?);
    say("digest", session.digest(&Mechanism::Sha256, MESSAGE)?.len() == 32);
    Ok(())
}

/// One line per check; the test counts them.
fn say(name: &str, good: bool) {
    println!("{} {name}", if good { "ok  " } else { "FAIL" });
}

fn value(session: &Session, object: ObjectHandle, kind: AttributeType) -> Result<Attribute, Box<dyn Error>> {
    session.get_attributes(object, &[kind])?.into_iter().next().ok_or_else(|| "no such attribute".into())
}

/// Signs, lets the token verify, and leaves what others need to verify, too.
fn sign(
    session: &Session,
    name: &str,
    how: &Mechanism,
    pair: (ObjectHandle, ObjectHandle),
    to: &Path,
) -> Done {
    let signature = session.sign(how, pair.1, MESSAGE)?;
    say(&format!("{name}: the token verifies"), session.verify(how, pair.0, MESSAGE, &signature).is_ok());
    let other = session.verify(how, pair.0, b"another message", &signature);
    say(&format!("{name}: another message does not verify"), other.is_err());
    fs::write(to.join(format!("{name}.signature")), signature)?;
    if let Attribute::PublicKeyInfo(info) = value(session, pair.0, AttributeType::PublicKeyInfo)? {
        fs::write(to.join(format!("{name}.der")), info)?;
    }
    Ok(fs::write(to.join("message"), MESSAGE)?)
}

fn rsa(session: &Session, to: &Path) -> Done {
    let public =
        [Attribute::Token(true), Attribute::ModulusBits(2048.into()), Attribute::Label(b"rsa".into())];
    let private = [Attribute::Token(true), Attribute::Label(b"rsa".into()), Attribute::Decrypt(true)];
    let pair = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)?;
    sign(session, "rsa", &Mechanism::Sha256RsaPkcs, pair, to)?;
    let sealed = session.encrypt(&Mechanism::RsaPkcs, pair.0, MESSAGE)?;
    say("rsa: encrypt and decrypt", session.decrypt(&Mechanism::RsaPkcs, pair.1, &sealed)? == MESSAGE);
    Ok(())
}

fn elliptic(session: &Session, to: &Path) -> Done {
    let generate = |label: &[u8]| {
        let public =
            [Attribute::Token(true), Attribute::EcParams(P256.into()), Attribute::Label(label.into())];
        let private = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Derive(true)];
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
    };
    let (one, two) = (generate(b"one")?, generate(b"two")?);
    sign(session, "ec", &Mechanism::EcdsaSha256, one, to)?;
    let found = session
        .find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(b"one".into())])?;
    say("ec: found by its label", found == [one.1]);
    let shared = |private, public| -> Result<Attribute, Box<dyn Error>> {
        let Attribute::EcPoint(point) = value(session, public, AttributeType::EcPoint)? else {
            return Err("no point".into());
        };
        // The value is a DER OCTET STRING: two bytes, then the point.
        let raw = point.get(2..).ok_or("a short point")?;
        let how = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), raw));
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::ValueLen(32.into()),
        ];
        value(session, session.derive_key(&how, private, &template)?, AttributeType::Value)
    };
    say("ec: both sides derive the same secret", shared(one.1, two.0)? == shared(two.1, one.0)?);
    Ok(())
}

fn secret(session: &Session) -> Done {
    let template = |extractable| {
        [
            Attribute::ValueLen(32.into()),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
            Attribute::Extractable(extractable),
        ]
    };
    let wrapping = session.generate_key(&Mechanism::AesKeyGen, &template(false))?;
    let key = session.generate_key(&Mechanism::AesKeyGen, &template(true))?;
    let seal = |key| -> Result<Vec<u8>, Box<dyn Error>> {
        let mut iv = [7; 12];
        Ok(session.encrypt(
            &Mechanism::AesGcm(GcmParams::new(&mut iv, b"associated", 128.into())?),
            key,
            MESSAGE,
        )?)
    };
    let sealed = seal(key)?;
    let mut iv = [7; 12];
    let how = Mechanism::AesGcm(GcmParams::new(&mut iv, b"associated", 128.into())?);
    say("AES-GCM: encrypt and decrypt", session.decrypt(&how, key, &sealed)? == MESSAGE);
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapping, key)?;
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Encrypt(true),
    ];
    let unwrapped = session.unwrap_key(&Mechanism::AesKeyWrap, wrapping, &wrapped, &template)?;
    say("AES key wrap: the same key comes back", seal(unwrapped)? == sealed);
    say(
        "a key that is not extractable is not wrapped",
        session.wrap_key(&Mechanism::AesKeyWrap, key, wrapping).is_err(),
    );
    Ok(())
}

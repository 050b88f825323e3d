//! ML-DSA, SLH-DSA and ML-KEM: key pairs, signatures with contexts and digests, encapsulation, and the attributes of
//! their keys. Public keys (CKA_VALUE, CKA_PUBLIC_KEY_INFO) and signatures go to the directory, for others to judge.

use std::fs;
use std::path::Path;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::MechanismType;
use cryptoki::mechanism::dsa::{HashSignAdditionalContext, HedgeType, SignAdditionalContext};
use cryptoki::object::{
    Attribute, AttributeType, KeyType, MlDsaParameterSetType, MlKemParameterSetType, ObjectClass,
    ObjectHandle, ParameterSetType, SlhDsaParameterSetType,
};
use cryptoki::session::Session;

use crate::{Done, MESSAGE, say, value};

type Pair = (ObjectHandle, ObjectHandle);

/// All three families.
pub fn run(session: &Session, to: &Path) -> Done {
    let sets = [
        ("ML-DSA-44", MlDsaParameterSetType::ML_DSA_44, 1312, 2420),
        ("ML-DSA-65", MlDsaParameterSetType::ML_DSA_65, 1952, 3309),
        ("ML-DSA-87", MlDsaParameterSetType::ML_DSA_87, 2592, 4627),
    ];
    for (name, set, public, signature) in sets {
        let pair = generate(session, name, &Mechanism::MlDsaKeyPairGen, set.into(), public, &[], &[])?;
        let plain = Mechanism::MlDsa;
        let hashed = [Mechanism::HashMlDsaSha512, Mechanism::HashMlDsaShake256];
        let how = Mechanism::HashMlDsa(of_a_digest());
        signatures(session, to, name, pair, signature, (plain, &hashed, how))?;
    }
    let sets = [
        ("SLH-DSA-SHA2-128f", SlhDsaParameterSetType::SHA2_128F, 32, 17088),
        ("SLH-DSA-SHAKE-128f", SlhDsaParameterSetType::SHAKE_128F, 32, 17088),
        ("SLH-DSA-SHA2-192f", SlhDsaParameterSetType::SHA2_192F, 48, 35664),
        ("SLH-DSA-SHAKE-256f", SlhDsaParameterSetType::SHAKE_256F, 64, 49856),
        ("SLH-DSA-SHA2-128s", SlhDsaParameterSetType::SHA2_128S, 32, 7856),
    ];
    for (name, set, public, signature) in sets {
        let pair = generate(session, name, &Mechanism::SlhDsaKeyPairGen, set.into(), public, &[], &[])?;
        let plain = Mechanism::SlhDsa;
        let hashed = [Mechanism::HashSlhDsaSha512, Mechanism::HashSlhDsaShake256];
        let how = Mechanism::HashSlhDsa(of_a_digest());
        signatures(session, to, name, pair, signature, (plain, &hashed, how))?;
    }
    let sets = [
        ("ML-KEM-512", MlKemParameterSetType::ML_KEM_512, 800, 768),
        ("ML-KEM-768", MlKemParameterSetType::ML_KEM_768, 1184, 1088),
        ("ML-KEM-1024", MlKemParameterSetType::ML_KEM_1024, 1568, 1568),
    ];
    for (name, set, public, ciphertext) in sets {
        let (may, can) = ([Attribute::Encapsulate(true)], [Attribute::Decapsulate(true)]);
        let pair = generate(session, name, &Mechanism::MlKemKeyPairGen, set.into(), public, &may, &can)?;
        encapsulation(session, name, pair, ciphertext)?;
    }
    Ok(())
}

/// What a mechanism that gets a ready digest is told.
fn of_a_digest() -> HashSignAdditionalContext<'static> {
    HashSignAdditionalContext::new(HedgeType::Required, Some(b"digest"), MechanismType::SHA256)
}

/// A pair of token objects with the name as label, and what its attributes must say.
fn generate(
    session: &Session,
    name: &str,
    how: &Mechanism,
    set: ParameterSetType,
    public_len: usize,
    public_uses: &[Attribute],
    private_uses: &[Attribute],
) -> Result<Pair, Box<dyn std::error::Error>> {
    let label = Attribute::Label(name.into());
    let mut public = vec![Attribute::Token(true), label.clone(), Attribute::ParameterSet(set)];
    public.extend_from_slice(public_uses);
    let mut private = vec![Attribute::Token(true), label, Attribute::Sensitive(true)];
    private.extend_from_slice(private_uses);
    let pair = session.generate_key_pair(how, &public, &private)?;
    for (which, key) in [("public", pair.0), ("private", pair.1)] {
        let kept = value(session, key, AttributeType::ParameterSet)?;
        say(&format!("{name}: the {which} key has its parameter set"), kept == Attribute::ParameterSet(set));
    }
    let right =
        matches!(value(session, pair.0, AttributeType::Value)?, Attribute::Value(v) if v.len() == public_len);
    say(&format!("{name}: the public key has {public_len} bytes"), right);
    let hidden = session.get_attributes(pair.1, &[AttributeType::Value, AttributeType::Seed])?;
    say(&format!("{name}: neither private key nor seed is shown"), hidden.is_empty());
    Ok(pair)
}

type Plain<'a> = fn(SignAdditionalContext<'a>) -> Mechanism<'a>;

/// Signatures by the pure scheme, by its variants that hash in the token, and of a ready digest.
fn signatures(
    session: &Session,
    to: &Path,
    name: &str,
    pair: Pair,
    length: usize,
    (plain, hashed, of_digest): (Plain, &[Plain], Mechanism),
) -> Done {
    let none = || SignAdditionalContext::new(HedgeType::Preferred, None);
    let with = |hedge, context| SignAdditionalContext::new(hedge, Some(context));
    let signature = session.sign(&plain(none()), pair.1, MESSAGE)?;
    say(&format!("{name}: the signature has {length} bytes"), signature.len() == length);
    accepted(session, name, &plain(none()), pair.0, MESSAGE, &signature)?;
    fs::write(to.join(format!("{name}.signature")), &signature)?;

    let context = plain(with(HedgeType::DeterministicRequired, b"context"));
    let once = session.sign(&context, pair.1, MESSAGE)?;
    say(
        &format!("{name}: deterministic signatures are the same"),
        once == session.sign(&context, pair.1, MESSAGE)?,
    );
    accepted(session, &format!("{name} with a context"), &context, pair.0, MESSAGE, &once)?;
    let other = plain(with(HedgeType::Preferred, b"another"));
    let refused = session.verify(&other, pair.0, MESSAGE, &once).is_err();
    say(&format!("{name}: another context does not verify"), refused);
    fs::write(to.join(format!("{name}.context")), &once)?;
    let hedged = plain(with(HedgeType::Required, b"context"));
    let differ = session.sign(&hedged, pair.1, MESSAGE)? != session.sign(&hedged, pair.1, MESSAGE)?;
    say(&format!("{name}: hedged signatures differ"), differ);

    for (number, how) in hashed.iter().enumerate() {
        let how = how(none());
        let signature = session.sign(&how, pair.1, MESSAGE)?;
        accepted(session, &format!("{name}, hash {number}"), &how, pair.0, MESSAGE, &signature)?;
    }
    let digest = session.digest(&Mechanism::Sha256, MESSAGE)?;
    let signature = session.sign(&of_digest, pair.1, &digest)?;
    accepted(session, &format!("{name} of a digest"), &of_digest, pair.0, &digest, &signature)?;

    if let Attribute::Value(key) = value(session, pair.0, AttributeType::Value)? {
        fs::write(to.join(format!("{name}.public")), key)?;
    }
    if let Attribute::PublicKeyInfo(info) = value(session, pair.0, AttributeType::PublicKeyInfo)? {
        fs::write(to.join(format!("{name}.der")), info)?;
    }
    Ok(())
}

/// Verified at once, in parts with the signature first (C_VerifySignatureInit), and refused for other data.
fn accepted(
    session: &Session,
    name: &str,
    how: &Mechanism,
    key: ObjectHandle,
    data: &[u8],
    signature: &[u8],
) -> Done {
    say(&format!("{name}: verifies"), session.verify(how, key, data, signature).is_ok());
    session.verify_signature_init(how, key, signature)?;
    say(&format!("{name}: verifies with the signature first"), session.verify_signature(data).is_ok());
    let mut other = data.to_vec();
    if let Some(first) = other.first_mut() {
        *first ^= 1;
    }
    say(&format!("{name}: other data does not verify"), session.verify(how, key, &other, signature).is_err());
    session.verify_signature_init(how, key, signature)?;
    say(&format!("{name}: nor with the signature first"), session.verify_signature(&other).is_err());
    Ok(())
}

/// Both sides get the same secret; a changed ciphertext gives another; a secret that stays is compared by its HMAC.
fn encapsulation(session: &Session, name: &str, pair: Pair, length: usize) -> Done {
    let shown = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let secret = |key| value(session, key, AttributeType::Value);
    let (ciphertext, ours) = session.encapsulate_key(&Mechanism::MlKem, pair.0, &shown)?;
    let theirs = session.decapsulate_key(&Mechanism::MlKem, pair.1, &shown, &ciphertext)?;
    say(&format!("{name}: the ciphertext has {length} bytes"), ciphertext.len() == length);
    let right = matches!(secret(ours)?, Attribute::Value(v) if v.len() == 32);
    say(&format!("{name}: the secret has 32 bytes"), right);
    say(&format!("{name}: both sides have the same secret"), secret(ours)? == secret(theirs)?);
    let mut changed = ciphertext.clone();
    if let Some(first) = changed.first_mut() {
        *first ^= 1;
    }
    let another = session.decapsulate_key(&Mechanism::MlKem, pair.1, &shown, &changed)?;
    say(&format!("{name}: a changed ciphertext gives another secret"), secret(another)? != secret(ours)?);
    let short = session.decapsulate_key(&Mechanism::MlKem, pair.1, &shown, &ciphertext[1..]);
    say(&format!("{name}: a short ciphertext is refused"), short.is_err());

    let kept = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Sign(true),
        Attribute::Sensitive(true),
    ];
    let (ciphertext, ours) = session.encapsulate_key(&Mechanism::MlKem, pair.0, &kept)?;
    let theirs = session.decapsulate_key(&Mechanism::MlKem, pair.1, &kept, &ciphertext)?;
    let mac = |key| session.sign(&Mechanism::Sha256Hmac, key, MESSAGE);
    say(&format!("{name}: a secret that stays is the same, by its HMAC"), mac(ours)? == mac(theirs)?);
    say(
        &format!("{name}: it is not shown"),
        session.get_attributes(ours, &[AttributeType::Value])?.is_empty(),
    );
    Ok(())
}

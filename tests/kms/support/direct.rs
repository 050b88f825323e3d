//! A provider's client without the token around it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward::backend::kms::client::{Cipher, KeyVersion, KmsClient, Signing};
use keyward::cloud::{Connection, Deadline, Kind};
use keyward::config::{Origin, Result, SlotEntry, SlotReader};
use keyward::crypto::{Hash, MlDsaMu, Pss, PublicKey, SecretKey, aes, digest};
use keyward::types::SecretBytes;

type Open = fn(&mut SlotReader<'_>, Connection) -> Result<Arc<dyn KmsClient>>;

/// The client of a `[[slot]]` with these keys, or the reason why there is none.
pub fn try_open(open: Open, keys: &str, secret_pin: bool) -> std::result::Result<Arc<dyn KmsClient>, String> {
    let origin = Origin::File { path: PathBuf::from("/etc/keyward.toml"), line: 1 };
    let entry = SlotEntry::new("kms".to_owned(), keys.parse().unwrap(), origin);
    let mut reader = entry.reader();
    let read = |reader: &mut SlotReader<'_>| {
        let connection = Connection { secret_pin, ..Connection::read(reader)? };
        open(reader, connection)
    };
    let client = read(&mut reader).map_err(|error| error.to_string())?;
    reader.finish().map_err(|error| error.to_string())?;
    Ok(client)
}

pub fn open(open: Open, keys: &str) -> Arc<dyn KmsClient> {
    try_open(open, keys, false).unwrap()
}

/// Time enough.
pub fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// The one version of a key.
#[track_caller]
pub fn only(client: &dyn KmsClient, name: &str) -> KeyVersion {
    let mut versions = client.read(name, soon()).unwrap();
    assert_eq!(versions.len(), 1, "{name}");
    versions.remove(0)
}

pub fn public(key: &KeyVersion) -> PublicKey {
    match &key.material {
        keyward::backend::kms::client::Material::Pair(spki) => PublicKey::from_spki(spki).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Signs, and checks that the public key that the service exported takes it.
#[track_caller]
pub fn signs(client: &dyn KmsClient, key: &KeyVersion, signing: Signing<'_>) {
    let signature = client.sign(key, signing, soon()).unwrap();
    let verified = match (public(key), signing) {
        (PublicKey::Rsa(rsa), Signing::RsaPkcs1 { hash, digest }) => {
            rsa.pkcs1_verify(&[hash.digest_info_prefix(), digest].concat(), &signature)
        }
        (PublicKey::Rsa(rsa), Signing::RsaPkcs1Raw { data }) => rsa.pkcs1_verify(data, &signature),
        (PublicKey::Rsa(rsa), Signing::RsaPss { hash, digest, salt_len }) => {
            rsa.pss_verify(&Pss { hash, mgf_hash: hash, salt_len }, digest, &signature)
        }
        (PublicKey::Ec(ec), Signing::Ecdsa { digest }) => ec.verify(digest, &signature),
        (PublicKey::Ed25519(key), Signing::Ed25519 { message }) => key.verify(message, &signature),
        (PublicKey::MlDsa(key), Signing::MlDsa { message }) => key.verify(message, &[], &signature),
        (PublicKey::MlDsa(key), Signing::MlDsaMu { mu }) => {
            assert_eq!(*mu, mu_of(&key.bytes()), "only the µ of MESSAGE is verified here");
            key.verify(MESSAGE, &[], &signature)
        }
        (public, signing) => panic!("{signing:?} by {public:?}"),
    };
    verified.unwrap_or_else(|error| panic!("{}: {signing:?}: {error}", key.algorithm));
}

pub const MESSAGE: &[u8] = b"what is signed";

pub fn mu_of(public: &[u8]) -> [u8; 64] {
    let mut mu = MlDsaMu::new(public, &[]);
    mu.update(MESSAGE);
    mu.value()
}

/// [`MESSAGE`]'s.
pub fn digest_of(hash: Hash) -> Vec<u8> {
    digest(hash, MESSAGE).to_vec()
}

/// Encrypts with the exported public key, and decrypts in the service.
#[track_caller]
pub fn decrypts(client: &dyn KmsClient, key: &KeyVersion, cipher: Cipher<'_>) {
    let PublicKey::Rsa(rsa) = public(key) else { panic!("no RSA key") };
    let mut ciphertext = vec![0; rsa.len()];
    match cipher {
        Cipher::RsaOaep { hash } => {
            let oaep = keyward::crypto::Oaep { hash, mgf_hash: hash, label: &[] };
            rsa.oaep_encrypt(&oaep, MESSAGE, &mut ciphertext).unwrap();
        }
        _ => rsa.pkcs1_encrypt(MESSAGE, &mut ciphertext).unwrap(),
    }
    assert_eq!(&*client.decrypt(key, cipher, &ciphertext, soon()).unwrap(), MESSAGE);
    let flipped: Vec<u8> = ciphertext.iter().enumerate().map(|(at, b)| b ^ u8::from(at == 100)).collect();
    let failed = client.decrypt(key, cipher, &flipped, soon()).unwrap_err();
    assert_eq!(failed.kind(), Kind::BadCiphertext, "{failed}");
}

/// What AES makes of it here.
pub fn encrypted(key: &[u8], mode: aes::Mode<'_>, plaintext: &[u8]) -> Vec<u8> {
    let key = SecretKey::from(SecretBytes::from(key));
    let mut cipher = aes::AesCipher::new(mode, aes::Direction::Encrypt, &key).unwrap();
    let mut out = vec![0; cipher.once_len(plaintext.len())];
    let len = cipher.once(plaintext, &mut out).unwrap();
    out.truncate(len);
    out
}

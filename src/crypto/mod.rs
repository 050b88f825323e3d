//! The only room that names a crypto library: hashes, MACs, AES, key derivation and key pairs, in plain Rust types.
//!
//! Nothing here knows PKCS#11. This file and its neighbours hold the shared vocabulary ([`Error`], [`enum@Hash`],
//! [`Curve`], [`RsaComponents`], the DER encodings); one provider, chosen by feature, supplies the functions and the
//! key types behind the same names. Keys are immutable, `Send + Sync` and cheap to clone, so that any number of
//! threads may sign with one key at once without a lock of ours. Whatever is secret is zeroized when dropped.

mod crypter;
mod curve;
mod encoding;
mod error;
mod finite;
mod goldilocks;
mod hash;
mod kdf;
mod key;
mod mnemonic;
mod modes;
mod mu;
mod prehash;
mod pure;
mod rsa;
mod seal;
mod slh_dsa;
mod soft_hash;
#[cfg(test)]
mod tests;
#[cfg(feature = "kms")]
mod tls;
mod traditional;
mod wallet;

#[cfg(feature = "aws-lc")]
mod aws_lc;
// Where both are built, AWS-LC does the work, and tests compare it with the other.
#[cfg(all(feature = "rustcrypto", any(test, not(feature = "aws-lc"))))]
#[cfg_attr(feature = "aws-lc", allow(dead_code, unused_imports, clippy::duplicate_mod))]
mod rustcrypto;
#[cfg(not(any(feature = "aws-lc", feature = "rustcrypto")))]
compile_error!("keyward needs a crypto provider: enable the feature `aws-lc` or `rustcrypto`");

pub use crypter::Crypter;
pub use curve::{Curve, Hedge, MlDsaSet, MlKemSet, OkpCurve};
pub use error::{Error, Result};
pub use goldilocks::{Ed448Private, Ed448Public, X448Private, X448Public};
pub use hash::{DigestValue, Hash, MAX_DIGEST_LEN};
pub use kdf::{argon2id, argon2id_into};
pub use key::{PrivateKey, PublicKey};
pub use mnemonic::{recovery_sentence, wallet_seed};
pub use modes::{Des3Mode, Segment};
pub use mu::MlDsaMu;
pub use prehash::{PreHash, PreHashing};
pub use rsa::{Oaep, Pss, RsaComponents};
pub use seal::SealKey;
pub use slh_dsa::{SlhDsaPrivate, SlhDsaPublic, SlhDsaSet};
pub use soft_hash::{Blake3Mac, shake128, shake256};
#[cfg(feature = "kms")]
pub use tls::tls_provider;
pub use wallet::{WalletCurve, WalletKey};

#[cfg(feature = "fips")]
pub use aws_lc::{is_self_tested, module_id};

/// What a provider supplies.
macro_rules! provided_by {
    ($provider:ident) => {
        use $provider::SealCipher;

        pub use $provider::{
            BlockMac, Ccm, ChaCha20, ChaChaOpen, ChaChaSeal, Cmac, Cts, Des3, DhGroup, DhPrivate, DhPublic,
            Digest, DsaGroup, DsaPrivate, DsaPublic, EcPrivate, EcPublic, Ed25519Private, Ed25519Public,
            Feedback, Gmac, Hmac, MlDsaPrivate, MlDsaPublic, MlKemPrivate, MlKemPublic, Poly1305, RsaPrivate,
            RsaPublic, SecretKey, X25519Private, X25519Public, Xts, aes, digest, equal, hkdf_expand,
            hkdf_expand_into, hkdf_extract, hmac_sha256, pbkdf2, random, tls_prf,
        };
    };
}

#[cfg(feature = "aws-lc")]
provided_by!(aws_lc);
#[cfg(not(feature = "aws-lc"))]
provided_by!(rustcrypto);
